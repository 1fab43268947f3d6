"""Drawings of the Open Clip Art Library from `openclipart-png` and `openclipart-svg`."""

import html
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tools.demo_web.encodings import shrink, trimmed
from tools.demo_web.selection import Artwork, slug

CLIPART_SIDE = 128  # shorter edge in pixels, chosen: the archive stays far below 12 MB
MAX_SOURCE_PIXELS = 3_000_000  # chosen: a few drawings come as posters of 600 megapixels

# Folders without recognisable or free-standing images; brands; what is not suitable for everyone.
_SKIP_PATH = re.compile(
    r"""_bw | logos/ | computer/(icons|buttons) | ^computer/[^/]*$ | shapes/ | buttons/ | /led/
    | semaphore | bodypart | weapons | games/cards | map_symbols | smilies | flowchart
    | unsorted | silhouette | religion | signalflag | europe/france | sailing_ | etiquette
    | stickmen | flourish | kexi | tux | penguin | manager | emule | domo | xbox | sony | bmw
    | dodge | toyota | sprint | packman | tetris | pong | homer | simpson | mickey | mouse_ears
    | fanart | vgcats | freddy | coltrane | mary_jane | cannabis | stripper | nude | naked
    | sexy | hide_girl | pregnan | beer | drunk | condom | nazi | kkk | sunwheel | devil | skull
    | gallows | gun | ak47 | tank | bullet | enthusiast | mcoon | illuminati | elder | punk
    | tatoo""",
    re.VERBOSE,
)
_ITALIAN = re.compile(r"archit|rolland|francesco|vincent")
_OTHER_LANGUAGE = re.compile(
    r"""\b(di | del | della | con | da | alla | il | sul | sulla | per | una | le | la | du | de
    | des | au | aux | ne | pas | eau | contre | defense | protection | obligat\w* | interdite?
    | tres | interdiction | sortie | risque | secours | yeux | premiers | glace | gateau
    | gauffre | pasteque | champignon | toque | comburant | corrosif | charge | civiere | douche
    | echelle | extincteur | extremement | inflammable | entree | telephone\ \w+e | lance
    | pansement | porcinet | croche | abeille | amibe | bobine | calebasse | derbouk | couronne
    | chaussee | flamme | rincage | mante | ballon | sole | accueil | manutention
    | \w+isantes? | ambulans | karetka | zielony | kubek | stara | fiore | engrenagem | human
    | punaisa | cartella | capitello | utensili | attenzione | forchettoni | lampada | ruota
    | simbolo | pattinatrici | uccello | vacca | casa | gatti | cigni | abitazione | farfalla
    | macchina | pescetto | demolizione | mix | scolapasta | sedia | orologio | tante | unita)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_SKIP_TITLE = re.compile(
    r"clip ?art|various|collection|lemon svg|svg road|aiga|australian maps|@|http|template|0x"
    r"|button|#|\bb and w\b|\bbw\b|font|logo|letter|theme|etiquette|lincity"
    r"|submission|sibmission|bush\b",
    re.IGNORECASE,
)
# Words of keywords that say nothing about the image.
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        """hash unsorted symbol symbols sign icon icons menu clip art clipart media object public
        domain image png svg shape vegitable fun toys member united nations""",
    )
)
_LIMITS = {"signs_and_symbols/flags": 70, "special/patterns": 45, "geography": 45}


@dataclass(frozen=True)
class _Drawing:
    path: str
    title: str
    keywords: tuple[str, ...]
    description: str


def clipart(folder: Path) -> Iterator[Artwork]:
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
            yield from _clipart_artwork(folder, drawing, caption)


def foreign_clipart(folder: Path) -> Iterator[Artwork]:
    """Drawings whose title is three or more Italian or French words, as their author wrote it."""
    for drawing in _drawings(folder):
        caption = re.sub(r"[\s_]+", " ", drawing.title)
        is_foreign = _OTHER_LANGUAGE.search(caption) and not _SKIP_PATH.search(drawing.path)
        is_plain = len(caption.split()) >= 3 and not re.search(r"\d|Rollandin|clip|-|@", caption)
        if is_foreign and is_plain:
            yield from _clipart_artwork(folder, drawing, caption)


def titled(folder: Path, title: str, path: str) -> Iterator[Artwork]:
    """Drawings that all carry one title; many images in this library do."""
    for drawing in _drawings(folder):
        if drawing.title == title and re.search(path, drawing.path):
            yield from _clipart_artwork(folder, drawing, title)


def public_domain_texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Path and text of every title and every description, as written; blank ones are left out."""
    for drawing in _drawings(folder):
        for text in (drawing.title, drawing.description):
            if text:
                yield drawing.path, text


def clipart_caption(title: str, keywords: tuple[str, ...], description: str) -> str:
    """A caption from what the author wrote; empty where that does not name the image."""
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
    useful = not set(parts) <= _EMPTY_WORDS
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


def _clipart_artwork(folder: Path, drawing: _Drawing, caption: str) -> Iterator[Artwork]:
    file = (folder / "png" / drawing.path).with_suffix(".png")
    width, height = struct.unpack(">II", file.read_bytes()[16:24])  # of the PNG header
    if width * height <= MAX_SOURCE_PIXELS:
        with Image.open(file) as image:
            shrunk = shrink(trimmed(image.convert("RGBA")), CLIPART_SIDE)
        yield Artwork(slug(file.stem), Path(drawing.path).parts[0], caption, shrunk)
