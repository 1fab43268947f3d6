"""People, hands, signs, clocks, arrows and flags, as the emoji of two fonts draw them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tools.small_world.things import SIDE, Rgb, Thing, on_white

# By the style that captions name: the folder of its images in the package.
FONTS = {"noto": "google", "twemoji": "twitter"}
TONES = {
    "1F3FB": "light",
    "1F3FC": "medium light",
    "1F3FD": "medium",
    "1F3FE": "medium dark",
    "1F3FF": "dark",
}
HOURS = (
    *("one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
DIRECTIONS = {
    "arrow_up": "top",
    "arrow_down": "bottom",
    "arrow_left": "left",
    "arrow_right": "right",
    "arrow_upper_left": "upper left",
    "arrow_upper_right": "upper right",
    "arrow_lower_left": "lower left",
    "arrow_lower_right": "lower right",
    "left_right_arrow": "left and right",
    "arrow_up_down": "top and bottom",
}
_GENDERS = {"1F468": "man", "1F469": "woman", "1F9D1": "person"}
_SIGNS = {"200D-2640-FE0F": "woman", "200D-2642-FE0F": "man"}
_HANDS = re.compile(r"^hand|^body-parts$")
_SIGN = re.compile(r"^(?:LARGE |MEDIUM )?(\w+(?: BLUE)?) (HEART|CIRCLE|SQUARE)$")
_SHORT = re.compile(r"[a-z]+( [a-z]+)?")  # names of countries that fit a caption
_NO_COLORS = {"broken", "beating", "sparkling", "growing", "mending", "anatomical"}
# Names that say something else than the emoji shows, or are too long for a caption.
_HAND_NAMES = {
    "+1": "thumbs up",
    "-1": "thumbs down",
    "facepunch": "oncoming fist",
    "v": "victory hand",
    "hand": "raised hand",
    "fist": "raised fist",
    "point_up": "index pointing up",
    "point_up_2": "backhand pointing up",
    "point_down": "backhand pointing down",
    "point_left": "backhand pointing left",
    "point_right": "backhand pointing right",
    "hand_with_index_finger_and_thumb_crossed": "index finger and thumb crossed",
    "muscle": "flexed biceps",
    "nail_care": "nail polish",
    "wave": "waving hand",
    "pray": "folded hands",
}

Entry = dict[str, Any]


def emoji(packages: Path, style: str) -> list[Thing]:
    """All things of a style, in the order of the package.

    Args:
        packages: folder in which `emoji-datasource-<font>` are unpacked as `<style>`.
        style: a key of `FONTS`.
    """
    folder = packages / style
    entries = json.loads((folder / "emoji.json").read_text(encoding="utf-8"))
    own = [entry for entry in entries if entry[f"has_img_{FONTS[style]}"]]
    found = [*_people(own), *_hands(own), *_plain(own)]
    images = folder / "img" / FONTS[style] / str(SIDE)
    return [Thing(kind, values, style, _read(images / name)) for kind, values, name in found]


def _people(entries: list[Entry]) -> Iterator[tuple[str, dict[str, str], str]]:
    """Roles that there are as woman, man and person, each in all tones."""
    roles: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in entries:
        if len(entry.get("skin_variations", {})) == len(TONES):
            role, gender = _role_and_gender(entry["unified"])
            roles[role][gender] = entry
    for genders in roles.values():
        if genders.keys() == set(_GENDERS.values()):
            name = _role_name(genders["woman"]["name"])
            for gender, entry in sorted(genders.items()):
                for tone, image in _in_all_tones(entry):
                    yield "person", {"gender": gender, "role": name, "tone": tone}, image


def _role_and_gender(unified: str) -> tuple[str, str]:
    for suffix, gender in _SIGNS.items():
        if unified.endswith(f"-{suffix}"):
            return unified.removesuffix(f"-{suffix}").removesuffix("-FE0F"), gender
    first, _, rest = unified.partition("-")
    if first in _GENDERS:
        return f"with {rest}", _GENDERS[first]
    return unified.removesuffix("-FE0F"), "person"


def _role_name(name_of_woman: str) -> str:
    name = name_of_woman.lower()
    if ": " in name:
        feature = name.split(": ")[1]
        return feature if feature == "bald" else f"with {feature}"
    name = name.removesuffix(" woman") if name.endswith(" woman") else name.removeprefix("woman ")
    return {"mermaid": "of the sea", "woman": "adult"}.get(name, name)


def _hands(entries: list[Entry]) -> Iterator[tuple[str, dict[str, str], str]]:
    for entry in entries:
        is_hand = _HANDS.match(entry["subcategory"]) and entry["short_name"] != "middle_finger"
        if is_hand and len(entry.get("skin_variations", {})) == len(TONES):
            short = entry["short_name"]
            name = _HAND_NAMES.get(short, re.sub("[-_]", " ", short))
            for tone, image in _in_all_tones(entry):
                yield "hand", {"hand": name, "tone": tone}, image


def _in_all_tones(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "yellow", entry["image"]
    for code, tone in TONES.items():
        yield tone, entry["skin_variations"][code]["image"]


def _plain(entries: list[Entry]) -> Iterator[tuple[str, dict[str, str], str]]:
    for entry in entries:
        short, name = entry["short_name"], entry["name"].replace("HEAVY BLACK HEART", "RED HEART")
        if clock := re.fullmatch(r"clock(\d+?)(30)?", short):
            hour, minute = HOURS[int(clock[1]) - 1], "thirty" if clock[2] else "o'clock"
            yield "clock", {"hour": hour, "minute": minute}, entry["image"]
        elif short in DIRECTIONS:
            yield "arrow", {"direction": DIRECTIONS[short]}, entry["image"]
        elif entry["subcategory"] == "country-flag":
            country = name.removesuffix(" Flag").lower()
            if _SHORT.fullmatch(country):
                yield "flag", {"country": country}, entry["image"]
        elif (sign := _SIGN.match(name)) and sign[1].lower() not in _NO_COLORS:
            values = {"color": sign[1].lower(), "shape": sign[2].lower()}
            yield "sign", values, entry["image"]


def _read(file: Path) -> Rgb:
    with Image.open(file) as image:
        return on_white(np.asarray(image.convert("RGBA")))
