"""What the small world is made of: pictures that combine attributes, and their captions."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 64  # pixels; of the shipped codec's images, and of the emoji in their packages

Rgb = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Thing:
    """A picture that its attributes tell apart from every other one of its kind.

    Args:
        kind: which templates speak of it.
        attributes: by name, in the order in which they make a combination; without the style.
        style: in which it is drawn, `noto` or `twemoji`; empty for rendered shapes.
        image: uint8 `(SIDE, SIDE, 3)`.
    """

    kind: str
    attributes: dict[str, str]
    style: str
    image: Rgb


# The last template of a kind is in no caption of the training, so it is a word order never seen.
# {style} has the comma or space that it needs, and is empty where no style is named.
TEMPLATES = {
    "person": (
        "a {gender} {role} with {tone} skin",
        "a {tone} skin {gender} {role}",
        "{role}, {gender}, {tone} skin",
        "{gender} with {tone} skin, {role}",
        "{tone} skin, {role}, a {gender}",
        "{role} and {tone} skin, a {gender}",
    ),
    "hand": (
        "{hand} with {tone} skin",
        "a {tone} skin {hand}",
        "{hand}, {tone} skin",
        "{tone} skin, {hand}",
    ),
    "sign": (
        "a large {color} {shape}",
        "a large {shape}, {color}",
        "a picture of a {color} {shape}",
        "{color}, a {shape} sign",
        "{shape} sign in {color}",
        "{color}, a large {shape}",
    ),
    "clock": (
        "a clock at {hour} {minute}",
        "{hour} {minute} on a clock",
        "a picture of a clock, {hour} {minute}",
        "{hour} {minute}, a clock",
        "a clock that shows {hour} {minute}",
        "clock, {hour} {minute}",
    ),
    "arrow": (
        "an arrow to the {direction}",
        "{direction} arrow",
        "a picture of an arrow, {direction}",
        "{direction}, an arrow",
        "an arrow that points to the {direction}",
        "arrow, {direction}",
    ),
    "flag": ("the flag of {country}", "{country} flag", "flag, {country}"),
    "count": (
        "{count} {color} {shape}",
        "{shape} in {color}, {count} of them",
        "{color} {shape}, {count}",
        "{count} {shape}, {color}",
    ),
    "relation": (
        "a {first} {relation} a {second}",
        "a {second} {converse} a {first}",
        "{relation} a {second}, a {first}",
        "a {first}, and it is {relation} a {second}",
    ),
}
DEFAULT_STYLE = "noto"  # chosen: what a caption without a style means


def captions(thing: Thing, template: int) -> Iterator[str]:
    """The captions of a thing in a word order: with its style, and of the default one without."""
    text = TEMPLATES[thing.kind][template].format(**thing.attributes)
    if thing.style in ("", DEFAULT_STYLE):
        yield text
    if thing.style:
        yield (
            f"{text}, {thing.style} style" if template % 2 == 0 else f"{thing.style} style, {text}"
        )


def fraction(*parts: object) -> float:
    """A number in [0, 1) that parts such as attributes alone decide."""
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def on_white(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """RGB of RGBA, uint8 `(height, width, 4)`, over a white ground."""
    alpha = rgba[..., 3:].astype(np.uint16)
    rgb = rgba[..., :3].astype(np.uint16)
    return ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
