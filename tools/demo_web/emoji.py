"""Emoji of the Noto font from the package `emoji-datasource-google`."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from tools.demo_web.selection import Artwork, slug

FLAGS_ONE_IN = 4  # chosen: flags that differ only in colour teach a small model little

# Subcategories of signs and letters, of families, and of what differs only in hands.
_SKIPPED_KINDS = re.compile(
    r"family|skin|alphanum|keycap|av-symbol|^arrow|punctuation|math|currency|gender|religion|zodiac"
    r"|^time$|finger|other-symbol|transport-sign|subdivision|warning|^person-symbol"
)
_SKIPPED_NAMES = re.compile(
    r"FACING|PREGNANT|BREAST|KISS|SMALL|MOUSE FACE|WITH ASTERISK|CIGARETTE|SYRINGE|TOILET|KNIFE"
    r"|PISTOL|BOMB|JAPANESE SYMBOL|SQUARED|ICON$|MX |MAN: |PERSON: |OLDER|BUSTS? IN|CJK|IDEOGRAPH"
    r"|PILE OF POO|LOVE HOTEL|COFFIN|FUNERAL"
)


def emoji(folder: Path) -> Iterator[Artwork]:
    """One of each kind: the name in lower case; a short one is followed by its category."""
    entries = json.loads((folder / "emoji.json").read_text(encoding="utf-8"))
    seen: set[str] = set()
    for entry in sorted(entries, key=lambda entry: str(entry["image"])):
        file = folder / "img/google/64" / entry["image"]
        stem = re.sub(r"^(WOM[AE]N|M[AE]N|PERSON) (?=.)", "", entry["name"])
        if _is_skipped(entry) or stem in seen or not file.is_file():
            continue
        seen.add(stem)
        if entry["category"] != "Flags" or len(seen) % FLAGS_ONE_IN == 0:
            yield _artwork(entry, file)


def _is_skipped(entry: dict[str, str]) -> bool:
    kind, name = entry["subcategory"], entry["name"]
    return bool(_SKIPPED_KINDS.search(kind) or _SKIPPED_NAMES.search(name))


def _artwork(entry: dict[str, str], file: Path) -> Artwork:
    with Image.open(file) as image:
        rgba = image.convert("RGBA")
    name, folder = slug(entry["short_name"]), slug(entry["category"])
    return Artwork(name, folder, emoji_caption(entry), rgba, file.read_bytes())


def emoji_caption(entry: dict[str, str]) -> str:
    """At least three words from name, subcategory and category."""
    name = entry["name"]
    if entry["subcategory"] == "country-flag":
        return f"flag of {name.removesuffix(' Flag')}"
    words = re.sub(r" SYMBOL$| SIGN$", "", name).lower()
    if len(words.split()) >= 3:
        return words
    category = entry["category"].lower().replace("&", "and")
    kind = re.sub(r"^other-|-", " ", entry["subcategory"]).strip().replace("&", "and")
    return ", ".join([words, category] if " and " in category else [words, kind, category])
