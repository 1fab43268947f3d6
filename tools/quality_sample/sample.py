"""Labelled images: what a scorer is to see is put into photographs, or something like it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dalle_model.pixels import Rgb

SIDE = 256  # pixels, as images are stored by default
PATCH_SIDES = (16, 97)  # pixels
_WORDS = ("open daily", "sale", "coffee house", "limited offer", "photo by anna", "final days")


@dataclass(frozen=True)
class Labelled:
    """An image of the sample.

    Args:
        rgb: uint8 `(256, 256, 3)`.
        count: of the things that are in it: faces, or lines of text; 1 for a blank image.
    """

    rgb: Rgb
    count: int


def background(photographs: Sequence[Rgb], rng: np.random.Generator) -> Rgb:
    """A square part of a photograph, of 40 to 100 % of its shorter edge, at 256 px."""
    photograph = photographs[int(rng.integers(len(photographs)))]
    height, width, _ = photograph.shape
    side = int(min(height, width) * rng.uniform(0.4, 1))
    top, left = rng.integers(0, [height - side + 1, width - side + 1])
    part = Image.fromarray(photograph[top : top + side, left : left + side])
    return np.asarray(part.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def with_patches(
    photographs: Sequence[Rgb], patches: Sequence[Rgb], count: int, rng: np.random.Generator
) -> Rgb:
    """A background with some patches in it, each of 16 to 96 px, in corners of their own."""
    image = Image.fromarray(background(photographs, rng))
    half = SIDE // 2
    for corner in rng.permutation(4)[:count].tolist():
        side = int(rng.integers(*PATCH_SIDES))
        left, top = rng.integers(0, half - side + 1, 2) + half * np.array(divmod(corner, 2))
        patch = Image.fromarray(patches[int(rng.integers(len(patches)))])
        image.paste(patch.resize((side, side), Image.Resampling.BICUBIC), (int(left), int(top)))
    return np.asarray(image)


def face_sample(
    photographs: Sequence[Rgb], faces: Sequence[Rgb], others: Sequence[Rgb], number: int
) -> list[Labelled]:
    """As many images with one to three faces as with patches of no face, made in the same way."""
    rng = np.random.default_rng(0)
    sample = []
    for _ in range(number):
        count = int(rng.integers(1, 4))
        sample.append(Labelled(with_patches(photographs, faces, count, rng), count))
        sample.append(Labelled(with_patches(photographs, others, count, rng), 0))
    return sample


def text_sample(photographs: Sequence[Rgb], fonts: Sequence[Path], number: int) -> list[Labelled]:
    """As many images with one to three lines of text as without any."""
    rng = np.random.default_rng(1)
    sample = []
    for _ in range(number):
        count = int(rng.integers(1, 4))
        sample.append(Labelled(_with_lines(photographs, fonts, count, rng), count))
        sample.append(Labelled(background(photographs, rng), 0))
    return sample


def _with_lines(
    photographs: Sequence[Rgb], fonts: Sequence[Path], count: int, rng: np.random.Generator
) -> Rgb:
    """A background with lines of a few words, 10 to 36 px high, outlined."""
    image = Image.fromarray(background(photographs, rng))
    draw, step = ImageDraw.Draw(image), SIDE // count
    for place in range(count):
        words = rng.choice(_WORDS, int(rng.integers(1, 3)))
        size = int(rng.integers(10, 37))
        font = ImageFont.truetype(str(fonts[int(rng.integers(len(fonts)))]), size)
        top = place * step + int(rng.integers(0, max(1, step - size)))
        ink, edge = [("black", "white"), ("white", "black"), ("red", "white")][rng.integers(3)]
        draw.text((8, top), " ".join(words), ink, font, stroke_width=1, stroke_fill=edge)
    return np.asarray(image)


def blank_sample(photographs: Sequence[Rgb], number: int) -> list[Labelled]:
    """As many images of next to nothing as photographs: one colour, noise, a small square."""
    rng = np.random.default_rng(2)
    sample = []
    for place in range(number):
        colour = rng.integers(8, 248, 3) // 16 * 16 + 8  # in the middle of a level: see `plain`
        plane = np.broadcast_to(colour, (SIDE, SIDE, 3)).astype(np.int64)
        if place % 3 == 1:
            plane = plane + rng.integers(-2, 3, plane.shape)
        if place % 3 == 2:
            plane = plane.copy()
            plane[:16, :16] = 255 - colour
        sample.append(Labelled(np.clip(plane, 0, 255).astype(np.uint8), 1))
        sample.append(Labelled(background(photographs, rng), 0))
    return sample
