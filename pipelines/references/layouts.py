"""Which images a set has, and their captions, by the layout that its files show."""

import json
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from typing import Any

import pyarrow as pa
from pyarrow import csv

from dalle_model import files
from pipelines.io.parquet import read_row_groups, read_table
from pipelines.references.config import ReferenceSet
from pipelines.references.listing import (
    Listing,
    ReferencesError,
    is_image,
    list_set,
    location_of,
)

COCO_CAPTIONS = "annotations/captions_*.json"  # Source: cocodataset.org, "Download", 2014 and 2017
CUB_IMAGES = "images/"  # Source: CUB-200-2011 `README`; captions: Reed et al. 2016, `text_c10`
CUB_TEXTS = ("text/", "text_c10/")
TEXT_SUFFIXES = (".txt", ".caption")  # a caption a line, as the crawl stage reads them
# Source: Hugging Face `datasets`, "ImageFolder".
TABLES = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
FILE_COLUMN = "file_name"
MAX_TEXT_BYTES = 1 << 20  # of captions beside an image; chosen: a thousand of any length

Captions = Mapping[str, list[str]]  # by path of the image


@dataclass(frozen=True)
class Reference:
    """One image of a set.

    Args:
        name: its path in the set, or the number of its row.
        captions: of it, in order.
        read: gives its bytes; raises `OSError` where they cannot be had.
    """

    name: str
    captions: list[str]
    read: Callable[[], bytes]


def references_of(one: ReferenceSet) -> Iterator[Reference]:
    """The images of a set, in the order of their names.

    Raises:
        ReferencesError: it has no image, or its captions cannot be read.
    """
    listing = list_set(one)
    images = [name for name in listing if is_image(name)]
    tables = [name for name in listing if name.endswith(".parquet")]
    if not images and tables:
        for name in tables:
            yield from _rows(one, name, f"{name}:" if len(tables) > 1 else "")
        return
    if not images:
        raise ReferencesError(
            f"references.sets: {one.name}: {one.path} holds no image and no Parquet; images end "
            "in .jpg, .jpeg, .png, .webp or .gif"
        )
    captions, chosen = _captions(one, listing, images)
    for name in chosen:
        read = partial(files.read_bytes, location_of(one, name))
        yield Reference(name, list(captions.get(name, [])), read)


def _captions(one: ReferenceSet, listing: Listing, images: list[str]) -> tuple[Captions, list[str]]:
    """The captions of a folder, and which of its images belong to the set."""
    coco = [name for name in listing if fnmatch(name, one.captions or COCO_CAPTIONS)]
    if coco and all(name.endswith(".json") for name in coco):
        found = _of_coco(one, coco, images)
        return found, sorted(found)
    texts = (one.captions.rstrip("/") + "/",) if one.captions else CUB_TEXTS
    if folder := next((f for f in texts if any(name.startswith(f) for name in listing)), ""):
        own = [name for name in images if name.startswith(CUB_IMAGES)] or images
        named = {name: f"{folder}{_stem(name.removeprefix(CUB_IMAGES))}.txt" for name in own}
        return _of_texts(one, listing, {name: [text] for name, text in named.items()}), own
    if table := next((name for name in (one.captions, *TABLES) if name in listing), ""):
        return _of_table(one, table), images
    beside = {name: [_stem(name) + suffix for suffix in TEXT_SUFFIXES] for name in images}
    return _of_texts(one, listing, beside), images


def _of_coco(one: ReferenceSet, names: list[str], images: list[str]) -> Captions:
    """Captions by image, of every image that the annotations name and the folder has."""
    paths = {posixpath.basename(name): name for name in images}
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        document = _read_json(one, name)
        try:
            by_id = {image["id"]: paths.get(image["file_name"]) for image in document["images"]}
            for named in filter(None, by_id.values()):
                found[named] = found[named]  # one that has no caption is of the set too
            for annotation in document["annotations"]:
                if path := by_id.get(annotation["image_id"]):
                    found[path].append(str(annotation["caption"]))
        except (KeyError, TypeError) as error:
            raise _unreadable(one, name, f"no captions as COCO has them: {error!r}") from error
    if not found:
        raise ReferencesError(
            f"references.sets: {one.name}: none of the images that {', '.join(names)} names is in "
            f"{one.path}; `path` is the folder that holds both"
        )
    return found


def _of_texts(one: ReferenceSet, listing: Listing, named: Mapping[str, list[str]]) -> Captions:
    """Captions by image: the lines of the first file that is there."""
    found: dict[str, list[str]] = {}
    for image, names in named.items():
        text = next((name for name in names if name in listing), None)
        if text is not None:
            with files.open_read(location_of(one, text)) as stream:
                content = stream.read(MAX_TEXT_BYTES).decode("utf-8", "replace")
            found[image] = [line.strip() for line in content.splitlines() if line.strip()]
    return found


def _of_table(one: ReferenceSet, name: str) -> Captions:
    """Captions by image, of a table of the folder."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in _table_rows(one, name):
        if FILE_COLUMN not in row or one.caption_column not in row:
            columns = ", ".join(row)
            raise _unreadable(
                one, name, f"it needs {FILE_COLUMN!r} and {one.caption_column!r}, and has {columns}"
            )
        found[posixpath.normpath(str(row[FILE_COLUMN]))] += _texts(row[one.caption_column])
    return found


def _table_rows(one: ReferenceSet, name: str) -> list[dict[str, Any]]:
    url = location_of(one, name)
    try:
        if name.endswith(".parquet"):
            return list(read_table(url).to_pylist())
        content = files.read_bytes(url)
        if name.endswith(".csv"):
            return list(csv.read_csv(pa.BufferReader(content)).to_pylist())
        return [dict(json.loads(line)) for line in content.splitlines() if line.strip()]
    except (ValueError, TypeError) as error:
        raise _unreadable(one, name, str(error)) from error


def _rows(one: ReferenceSet, name: str, prefix: str) -> Iterator[Reference]:
    """The rows of a Parquet file that holds the images themselves, a row group at a time."""
    number = 0
    for table in read_row_groups(location_of(one, name)):
        if missing := {one.image_column, one.caption_column} - set(table.column_names):
            raise _unreadable(
                one, name, f"no column {min(missing)!r} among {', '.join(table.column_names)}"
            )
        for row in table.select([one.image_column, one.caption_column]).to_pylist():
            captions = _texts(row[one.caption_column])
            yield Reference(f"{prefix}{number}", captions, partial(_bytes, row[one.image_column]))
            number += 1


def _bytes(value: Any) -> bytes:
    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes):
        raise OSError("the row holds no bytes")
    return content


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(text) for text in values if text]


def _read_json(one: ReferenceSet, name: str) -> Any:
    try:
        return files.read_json(location_of(one, name))
    except ValueError as error:
        raise _unreadable(one, name, str(error)) from error


def _unreadable(one: ReferenceSet, name: str, why: str) -> ReferencesError:
    return ReferencesError(f"references.sets: {one.name}: {name} cannot be read: {why}")


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]
