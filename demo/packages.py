"""Pictures and their captions out of the unpacked packages that `SOURCES.md` names."""

import html
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from demo.encodings import on_white, shrink, trimmed

CLIPART_SIDE, PHOTO_SIDE = 128, 256  # shorter edge in pixels, chosen: archive below 12 MB
# Mean difference, of 255, between 16x16 thumbnails below which two pictures are too alike to ship
# as two; chosen by eye on the closest pairs.
ALIKE = 7.0
MIN_SPREAD = (
    12.0  # standard deviation of a thumbnail, chosen: below are blank sheets and hair lines
)
MAX_FLAGS = 60  # chosen: flags alike in everything but colour teach a small model little
MAX_SOURCE_PIXELS = 3_000_000  # chosen: a few drawings come as posters of 600 megapixels


@dataclass(frozen=True)
class Picture:
    """A picture, what its package says about it, and where it lay there."""

    slug: str
    folder: str
    caption: str
    image: Image.Image
    original: bytes = b""  # the package's file, where it is used as it is


_FAMILY = re.compile(
    r"family|skin|alphanum|keycap|av-symbol|^arrow|punctuation|math|currency|gender|religion|zodiac"
    r"|^time$|finger|other-symbol|transport-sign|subdivision|warning|^person-symbol"
)
_UNWANTED_EMOJI = re.compile(
    r"FACING|PREGNANT|BREAST|KISS|SMALL|MOUSE FACE|WITH ASTERISK|CIGARETTE|SYRINGE|TOILET|KNIFE|PISTOL"
    r"|BOMB|JAPANESE SYMBOL|SQUARED|ICON$|MX |MAN: |PERSON: |OLDER|BUSTS? IN|CJK|IDEOGRAPH|PILE OF POO|LOVE HOTEL|COFFIN|FUNERAL"
)


def emoji(folder: Path) -> Iterator[Picture]:
    """Noto emoji, one of each kind: the name in lower case; a short one is followed by its category."""
    entries = json.loads((folder / "emoji.json").read_text(encoding="utf-8"))
    seen: set[str] = set()
    flags = 0
    for entry in sorted(entries, key=lambda entry: str(entry["image"])):
        file = folder / "img/google/64" / entry["image"]
        stem = re.sub(r"^(WOM[AE]N|M[AE]N|PERSON) (?=.)", "", entry["name"])
        unwanted = _FAMILY.search(entry["subcategory"]) or _UNWANTED_EMOJI.search(entry["name"])
        if unwanted or stem in seen or not file.is_file():
            continue
        seen.add(stem)
        encoded = file.read_bytes()
        with Image.open(file) as image:
            picture = image.convert("RGBA")
        category = _slug(entry["category"])
        flags += category == "flags"
        if category == "flags" and flags > MAX_FLAGS:
            continue
        yield Picture(_slug(entry["short_name"]), category, _emoji_caption(entry), picture, encoded)


def _emoji_caption(entry: dict[str, str]) -> str:
    name = entry["name"]
    if entry["subcategory"] == "country-flag":
        return f"flag of {name.removesuffix(' Flag')}"
    words = re.sub(r" SYMBOL$| SIGN$", "", name).lower()
    if len(words.split()) >= 3:
        return words
    category = entry["category"].lower().replace("&", "and")
    kind = re.sub(r"^other-|-", " ", entry["subcategory"]).strip().replace("&", "and")
    return ", ".join([words, category] if " and " in category else [words, kind, category])


# Folders without recognisable or without free-standing pictures; brands; things not for everybody.
_SKIP_PATH = re.compile(
    r"_bw|logos/|computer/(icons|buttons)|^computer/[^/]*$|shapes/|buttons/|/led/|semaphore|bodypart"
    r"|weapons|games/cards|map_symbols|smilies|flowchart|unsorted|silhouette|religion|signalflag"
    r"|stripper|cannabis|gallows|kexi|tux|penguin|manager|europe/france|sailing_|etiquette|mary_jane"
    r"|nude|naked|sexy|beer|drunk|condom|nazi|kkk|devil|skull|gun|ak47|tank|bullet|stickmen|flourish|sunwheel|hide_girl|fanart|vgcats|mcoon|emule|domo|xbox|sony|bmw|dodge|toyota|coltrane"
    r"|illuminati|pregnan|enthusiast|packman|tetris|pong|elder|freddy|punk|tatoo|homer|simpson|mickey|mouse_ears|sprint"
)
_ITALIAN = re.compile(r"archit|rolland|francesco|rollandin|vincent")
_OTHER_LANGUAGE = re.compile(
    r"\b(di|del|della|con|da|alla|il|sul|sulla|per|una|le|la|du|de|des|au|aux|ne|pas|eau|contre|defense"
    r"|protection|obligat\w*|interdite?|interdiction|sortie|risque|tres|secours|yeux|premiers|glace|gateau"
    r"|gauffre|ambulans|karetka|zielony|kubek|stara|fiore|engrenagem|human|champignon|toque|comburant"
    r"|corrosif|charge|civiere|douche|echelle|extincteur|extremement|inflammable|entree|telephone \w+e"
    r"|lance|pansement|porcinet|croche|abeille|amibe|bobine|calebasse|derbouk|couronne|chaussee"
    r"|flamme|punaisa|rincage|cartella|capitello|utensili|attenzione|forchettoni|lampada|ruota|simbolo"
    r"|pattinatrici|uccello|vacca|casa|gatti|cigni|abitazione|farfalla|macchina|pescetto|demolizione|mante|pasteque|ballon|sole|accueil|manutention|\w+isantes?|mix|scolapasta|sedia|orologio|tante|unita)\b",
    re.IGNORECASE,
)
_SKIP_TITLE = re.compile(
    r"clip ?art|various|collection|lemon svg|svg road|aiga|australian maps|@|http|template|0x|button"
    r"|#|\bb and w\b|\bbw\b|font|logo|letter|theme|etiquette|lincity|submission|sibmission|bush\b",
    re.IGNORECASE,
)
_EMPTY_KEYWORDS = set(
    [
        "hash",
        "unsorted",
        "symbol",
        "symbols",
        "sign",
        "icon",
        "icons",
        "menu",
        "clip",
        "art",
        "clipart",
        "media",
        "object",
        "public",
        "domain",
        "image",
        "png",
        "svg",
        "shape",
        "vegitable",
        "fun",
        "toys",
        "member",
        "united",
        "nations",
    ]
)
_LIMITS = {"signs_and_symbols/flags": 70, "special/patterns": 45, "geography": 45}


@dataclass(frozen=True)
class _Drawing:
    path: str
    title: str
    keywords: tuple[str, ...]
    description: str


def clipart(folder: Path) -> Iterator[Picture]:
    """Open Clip Art with an English title; a short one is followed by its keywords."""
    counts: dict[str, int] = {}
    for drawing in _drawings(folder):
        caption = clipart_caption(drawing.title, drawing.keywords, drawing.description)
        said = f"{drawing.path} {' '.join(drawing.keywords)} {caption}".lower()
        foreign = _ITALIAN.search(said) or _OTHER_LANGUAGE.search(said)
        if not caption or foreign or _SKIP_PATH.search(drawing.path):
            continue
        group = next((name for name in _LIMITS if drawing.path.startswith(name)), "")
        counts[group] = counts.get(group, 0) + 1
        if not group or counts[group] <= _LIMITS[group]:
            yield from _clipart_picture(folder, drawing, caption)


def foreign_clipart(folder: Path) -> Iterator[Picture]:
    """Drawings whose title is three or more Italian or French words, as their author wrote it."""
    for drawing in _drawings(folder):
        caption = re.sub(r"[\s_]+", " ", drawing.title)
        if _OTHER_LANGUAGE.search(caption) and not _SKIP_PATH.search(drawing.path):
            if len(caption.split()) >= 3 and not re.search(r"\d|Rollandin|clip|-|@", caption):
                yield from _clipart_picture(folder, drawing, caption)


def titled(folder: Path, title: str, path: str) -> Iterator[Picture]:
    """Drawings that all carry one title; many pictures in this library do."""
    for drawing in _drawings(folder):
        if drawing.title == title and re.search(path, drawing.path):
            yield from _clipart_picture(folder, drawing, title)


def clipart_caption(title: str, keywords: tuple[str, ...], description: str) -> str:
    """A caption from what the author wrote; empty where that does not name the picture."""
    name = re.sub(r"[_\s]+", " ", title).strip(" .")
    name = re.sub(r"([A-Za-z])[-#]?\s?\d{1,3}$", r"\1", name).strip(" -#")
    if _SKIP_TITLE.search(title) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9 ,'&()\-]{2,}", name):
        return ""
    words = re.findall(r"[a-z0-9']+", name.lower())
    if _is_plain_sentence(description):
        return description.rstrip(".")
    if len(words) >= 4:
        return name
    more = [word for word in keywords if _adds_to(word, words)][: max(2, 3 - len(words))]
    caption = ", ".join([name, *more])
    return caption if len(re.findall(r"[A-Za-z0-9']+", caption)) >= 3 else ""


def _is_plain_sentence(text: str) -> bool:
    plain = re.fullmatch(r"[A-Z][A-Za-z0-9 ,.'\-()]+", text) and not _SKIP_TITLE.search(text)
    own_words = not text.startswith(("Converted", "Created", "Made", "This is", "Its"))
    return bool(plain) and own_words and 4 <= len(text.split()) <= 12


def _adds_to(keyword: str, words: list[str]) -> bool:
    parts = keyword.split()
    said = all(any(w[:4] == part[:4] for w in words) for part in parts)
    useful = keyword not in _EMPTY_KEYWORDS and not set(parts) <= _EMPTY_KEYWORDS
    return useful and not said and bool(re.fullmatch(r"[a-z][a-z ]{2,}", keyword))


def _drawings(folder: Path) -> Iterator[_Drawing]:
    for svg in sorted((folder / "svg").rglob("*.svg"), key=lambda path: path.as_posix()):
        name = svg.relative_to(folder / "svg")
        png = folder / "png" / name.with_suffix(".png")
        if svg.is_symlink() or png.is_symlink() or not png.is_file():
            continue
        found = re.search(r"<metadata.*?</metadata>", svg.read_text("utf-8", "replace"), re.DOTALL)
        if found and re.search(r'cc:license rdf:resource="[^"]*PublicDomain"', found[0]):
            yield _drawing(name.as_posix(), found[0])


def _drawing(path: str, metadata: str) -> _Drawing:
    title, description = (_element(metadata, name) for name in ("dc:title", "dc:description"))
    words = [_text(word) for word in re.findall(r"<rdf:li>(.*?)</rdf:li>", metadata, re.DOTALL)]
    keywords = tuple(word.lower().replace("_", " ") for word in words if word)
    return _Drawing(path, title, keywords, description)


def _element(metadata: str, name: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", metadata, re.DOTALL)
    return _text(found[1]) if found else ""


def _text(markup: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(markup)).strip()


def _clipart_picture(folder: Path, drawing: _Drawing, caption: str) -> Iterator[Picture]:
    file = (folder / "png" / drawing.path).with_suffix(".png")
    width, height = struct.unpack(">II", file.read_bytes()[16:24])  # of the PNG header
    if width * height <= MAX_SOURCE_PIXELS:
        with Image.open(file) as image:
            picture = shrink(trimmed(image.convert("RGBA")), CLIPART_SIDE)
        yield Picture(_slug(file.stem), Path(drawing.path).parts[0], caption, picture)


def photographs(skimage: Path, stdlib: Path, captions: dict[str, str]) -> Iterator[Picture]:
    """The photographs that `captions` names: file of scikit-image, or folder of stdlib datasets."""
    for name, caption in captions.items():
        inside = stdlib / name / "data/image.jpg" if name.startswith("img-") else skimage / name
        with Image.open(inside) as image:
            picture = shrink(on_white(image), PHOTO_SIDE)
        yield Picture(_slug(Path(name).stem.removeprefix("img-")), "photos", caption, picture)


def distinct(pictures: Iterator[Picture], taken: "Taken") -> Iterator[Picture]:
    """Without wide or tiny ones, repeated captions and pictures that look like an earlier one."""
    return (picture for picture in pictures if taken.admits(picture))


class Taken:
    """The pictures chosen so far: their thumbnails, captions and names."""

    def __init__(self) -> None:
        self._thumbnails: list[npt.NDArray[np.float32]] = []
        self._names: set[str] = set()

    def admits(self, picture: Picture) -> bool:
        """Whether the picture is new, and if it is, remember it."""
        width, height = picture.image.size
        names = {picture.caption.casefold(), f"{picture.folder}/{picture.slug}"}
        fits = min(width, height) >= 64 and max(width, height) <= 1.9 * min(width, height)
        if not fits or names & self._names or not self.admits_image(picture.image):
            return False
        self._names |= names
        return True

    def admits_image(self, image: Image.Image) -> bool:
        """Whether the picture alone is new and not blank, and if so, remember it."""
        small = on_white(image).resize((16, 16), Image.Resampling.BOX)
        thumbnail = np.asarray(small, np.float32).ravel()
        if thumbnail.std() < MIN_SPREAD:
            return False
        if (
            self._thumbnails
            and np.abs(np.stack(self._thumbnails) - thumbnail).mean(1).min() < ALIKE
        ):
            return False
        self._thumbnails.append(thumbnail)
        return True


def by_digest(pictures: list[Picture], salt: str) -> list[Picture]:
    """In an order that depends on the names alone and mixes the folders."""
    return sorted(pictures, key=lambda p: blake2b(f"{salt}{p.folder}/{p.slug}".encode()).digest())


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
