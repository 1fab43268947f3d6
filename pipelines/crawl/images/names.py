"""File names in a folder of images: which are images, and which hold their captions."""

import posixpath
from collections.abc import Iterable

from pipelines.crawl.sources import InputFile

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
SIDECAR_SUFFIXES = (".txt", ".json")
# Tables of captions for the images below them. Source: Hugging Face `datasets`, "ImageFolder",
# except for the last.
METADATA_NAMES = ("metadata.jsonl", "metadata.csv", "metadata.parquet", "captions.tsv")


def is_image(name: str) -> bool:
    """Whether a name has the suffix of an image."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def images_in(file: InputFile, listing: Iterable[str]) -> list[str]:
    """The names of the images of an image folder among all that are listed, sorted."""
    return sorted(n for n in file.names or listing if is_image(n) and not n.startswith("."))


def sidecars_in(images: Iterable[str], listing: Iterable[str]) -> list[str]:
    """The names of the text files that have the stem of an image."""
    stems = {posixpath.splitext(name)[0] for name in images}
    return [
        name
        for name in listing
        if posixpath.splitext(name)[0] in stems and name.endswith(SIDECAR_SUFFIXES)
    ]


def tables_of_captions(paths: list[str]) -> dict[str, str]:
    """By folder; the first of `METADATA_NAMES` where there are several."""
    tables: dict[str, str] = {}
    for name in METADATA_NAMES:
        for path in paths:
            if posixpath.basename(path) == name:
                tables.setdefault(posixpath.dirname(path), path)
    return tables


def nearest_table(folder: str, root: str, tables: dict[str, str]) -> str:
    """The table of a folder or of the nearest one above it, up to the root; empty without one."""
    while folder.startswith(root) and folder not in tables and folder != root:
        folder = posixpath.dirname(folder)
    return tables.get(folder, "")
