"""Names of files beside each other: which are images, and which hold their captions.

What a name ends in only says what may be an image; whether it is one, the bytes say (`kinds.py`).
"""

import posixpath
import re
from collections.abc import Iterable, Sequence

from pipelines.crawl.sources import InputFile

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp"),
    *(".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif", ".hif", ".jxl", ".jp2", ".j2k"),
)
# The first that is there is read. Source: img2dataset and DALLE-pytorch write `.txt`, and
# kohya-ss/sd-scripts `.caption`, the default of its `--caption_extension`.
TEXT_SUFFIXES = (".txt", ".caption")
DOCUMENT_SUFFIX = ".json"
# Tables of captions for the images below them. Source: Hugging Face `datasets`, "ImageFolder",
# except for the last.
METADATA_NAMES = ("metadata.jsonl", "metadata.csv", "metadata.parquet", "captions.tsv")

# Chosen: the end of `1.5 litre`, `photo.2` or `2024.05.01 photo` is no suffix.
_SUFFIX = re.compile(r"(?<=[^/])\.[a-z][a-z0-9]{0,15}$", re.IGNORECASE)

Texts = dict[tuple[str, str], str]  # names of texts by stem, and suffix in lower case


def split_suffix(name: str) -> tuple[str, str]:
    """A name without its suffix, and the suffix with its dot, in lower case; it may be empty."""
    found = _SUFFIX.search(name)
    return (name[: found.start()], found[0].lower()) if found else (name, "")


def is_image(name: str) -> bool:
    """Whether a name has the suffix of an image."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def may_be_image(name: str) -> bool:
    """Whether a file can be an image: by its suffix, or, if its bytes agree, for want of one."""
    return is_image(name) or not split_suffix(name)[1]


def images_in(file: InputFile, listing: Iterable[str]) -> list[str]:
    """The names of what may be images of an image folder among all that are listed, sorted."""
    return sorted(n for n in file.names or listing if may_be_image(n) and not n.startswith("."))


def texts_in(listing: Iterable[str]) -> Texts:
    """The files that can caption an image; of two that differ in case, the lower one."""
    suffixes = (*TEXT_SUFFIXES, DOCUMENT_SUFFIX)
    found = ((split_suffix(name), name) for name in sorted(listing))
    return {key: name for key, name in found if key[1] in suffixes}


def texts_beside(image: str, texts: Texts) -> tuple[str | None, str | None]:
    """The names of an image's text and JSON document; None for one that is not there."""
    stem = split_suffix(image)[0]
    found = (texts[stem, suffix] for suffix in TEXT_SUFFIXES if (stem, suffix) in texts)
    return next(found, None), texts.get((stem, DOCUMENT_SUFFIX))


def tables_of_captions(paths: Sequence[str]) -> dict[str, str]:
    """By folder; the first of `METADATA_NAMES` where there are several."""
    tables: dict[str, str] = {}
    for name in METADATA_NAMES:
        for path in paths:
            if posixpath.basename(path) == name:
                tables.setdefault(posixpath.dirname(path), path)
    return tables


def nearest_table(folder: str, tables: dict[str, str]) -> str:
    """The table of a folder or of the nearest one above it; empty without one."""
    while folder not in tables and posixpath.dirname(folder) != folder:
        folder = posixpath.dirname(folder)
    return tables.get(folder, "")


def captioned_folders(paths: Sequence[str]) -> set[str]:
    """The folders with images that have captions: a text beside one of them, or a table."""
    tables = tables_of_captions(paths)
    names = names_by_folder(paths)
    with_images = {f: [n for n in listed if is_image(n)] for f, listed in names.items()}
    return {
        folder
        for folder, images in with_images.items()
        if images and (nearest_table(folder, tables) or _is_captioned(images, names[folder]))
    }


def names_by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """The names of files by the folder that they are in."""
    names: dict[str, list[str]] = {}
    for path in paths:
        names.setdefault(posixpath.dirname(path), []).append(posixpath.basename(path))
    return names


def _is_captioned(images: list[str], listing: list[str]) -> bool:
    texts = texts_in(listing)
    return bool(texts) and any(texts_beside(name, texts) != (None, None) for name in images)
