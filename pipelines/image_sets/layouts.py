"""Which images a set has, and their captions, by the layout that its files show."""

import json
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from itertools import chain
from typing import Any, Literal, NamedTuple

import pyarrow as pa
from pyarrow import csv

from dalle_model import files
from pipelines.image_sets.config import ImageSet
from pipelines.image_sets.listing import (
    ImageSetError,
    Listing,
    is_image,
    list_set,
    location_of,
)
from pipelines.io.parquet import read_row_groups, read_table

# Source: cocodataset.org, "Download", 2014 and 2017
COCO_CAPTIONS = ("annotations/captions_*.json", "captions_*.json")
CUB_IMAGES = "images/"  # Source: CUB-200-2011 `README`; captions: Reed et al. 2016, `text_c10`
CUB_TEXTS = ("text/", "text_c10/")
TEXT_SUFFIXES = (".txt", ".caption")  # a caption a line, as the crawl stage reads them
# Source: Hugging Face `datasets`, "ImageFolder", for `metadata` and `file_name`.
TABLES = tuple(
    f"{stem}.{kind}" for stem in ("metadata", "captions") for kind in ("jsonl", "csv", "parquet")
)
FILE_COLUMNS = ("file_name", "file")
MAX_TEXT_BYTES = 1 << 20  # of captions beside an image; chosen: a thousand of any length

Captions = Mapping[str, list[str]]  # by path of the image
Layout = Literal["coco", "cub", "table", "folder", "parquet", "drawn"]
DRAWN = "samples.json"  # beside what `dalle sample` has drawn


class _Captions(NamedTuple):
    """What is known of a folder: captions, which images are of the set, and which are absent."""

    layout: Layout
    captions: Captions
    chosen: list[str]
    absent: Sequence[str] = ()


@dataclass(frozen=True)
class SetImage:
    """One image of a set.

    Args:
        name: its path in the set, or the number of its row.
        captions: of it, in order.
        read: gives its bytes; raises `OSError` where they cannot be had.
    """

    name: str
    captions: list[str]
    read: Callable[[], bytes]


@dataclass(frozen=True)
class OpenedSet:
    """A set whose files were listed, and whose captions were read.

    Args:
        layout: by which it is read.
        images: in the order of their names, read once.
        absent: names of images that its annotations name, and that are not there.
    """

    layout: Layout
    images: Iterable[SetImage]
    absent: Sequence[str] = ()


def images_of(one: ImageSet) -> Iterator[SetImage]:
    """The images of a set, in the order of their names; raises as `open_set`."""
    yield from open_set(one).images


def open_set(one: ImageSet) -> OpenedSet:
    """Find the images of a set and their captions.

    Raises:
        ImageSetError: it has no image, or its captions cannot be read; of Parquet, when it is read.
    """
    listing = list_set(one)
    images = [name for name in listing if is_image(name)]
    tables = [name for name in listing if name.endswith(".parquet")]
    if not images and tables:
        prefixes = {name: f"{name}:" if len(tables) > 1 else "" for name in tables}
        rows = (_rows(one, name, prefix) for name, prefix in prefixes.items())
        return OpenedSet("parquet", chain.from_iterable(rows))
    if not images:
        raise ImageSetError(
            f"the set {one.name}: {one.path} holds no image and no Parquet; images end "
            "in .jpg, .jpeg, .png, .webp or .gif"
        )
    if DRAWN in listing:
        return _drawn(one, listing)
    layout, captions, chosen, absent = _captions(one, listing, images)
    found = (
        SetImage(name, captions.get(name, []), partial(files.read_bytes, location_of(one, name)))
        for name in chosen
    )
    return OpenedSet(layout, found, absent)


def _captions(one: ImageSet, listing: Listing, images: list[str]) -> _Captions:
    """The captions of a folder, and which of its images belong to the set."""
    patterns = (one.captions,) if one.captions else COCO_CAPTIONS
    coco = [name for name in listing if any(fnmatch(name, pattern) for pattern in patterns)]
    if coco and all(name.endswith(".json") for name in coco):
        found, absent = _of_coco(one, coco, images)
        return _Captions("coco", found, sorted(found), absent)
    texts = (one.captions.rstrip("/") + "/",) if one.captions else CUB_TEXTS
    if folder := next((f for f in texts if any(name.startswith(f) for name in listing)), ""):
        own = [name for name in images if name.startswith(CUB_IMAGES)] or images
        named = {name: f"{folder}{_stem(name.removeprefix(CUB_IMAGES))}.txt" for name in own}
        texts_of = {name: [text] for name, text in named.items()}
        return _Captions("cub", _of_texts(one, listing, texts_of), own)
    if table := next((name for name in (one.captions, *TABLES) if name in listing), ""):
        return _Captions("table", _of_table(one, table), images)
    beside = {name: [_stem(name) + suffix for suffix in TEXT_SUFFIXES] for name in images}
    return _Captions("folder", _of_texts(one, listing, beside), images)


def _drawn(one: ImageSet, listing: Listing) -> OpenedSet:
    """Images as `dalle sample` draws them, called by the place of their caption and their number.

    Their files are called by the order of their scores, where they were scored.
    """
    document = _read_json(one, DRAWN)
    found, absent = [], []
    try:
        for place, row in enumerate(document["rows"]):
            for image in row["images"]:
                name, file = f"{place:03d}_{image['number']:03d}", str(image["file"])
                read = partial(files.read_bytes, location_of(one, file))
                found.append(SetImage(name, [str(row["caption"])], read))
                absent += [file] if file not in listing else []
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(one, DRAWN, f"not as `dalle sample` writes it: {error!r}") from error
    if absent:
        raise _unreadable(one, DRAWN, f"{absent[0]} is not there; draw the images again")
    return OpenedSet("drawn", found)


def _of_coco(one: ImageSet, names: list[str], images: list[str]) -> tuple[Captions, Sequence[str]]:
    """Captions by image, of every image that the annotations name and the folder has; the others.

    One that is named without a file is among the others once, by the name of its file.
    """
    paths = {posixpath.basename(name): name for name in images}
    found: dict[str, list[str]] = defaultdict(list)
    absent: dict[str, None] = {}
    for name in names:
        document = _read_json(one, name)
        try:
            by_id = {image["id"]: paths.get(image["file_name"]) for image in document["images"]}
            absent |= {str(i["file_name"]): None for i in document["images"] if not by_id[i["id"]]}
            for named in filter(None, by_id.values()):
                found[named] = found[named]  # one that has no caption is of the set too
            for annotation in document["annotations"]:
                if path := by_id.get(annotation["image_id"]):
                    found[path].append(str(annotation["caption"]))
        except (KeyError, TypeError) as error:
            raise _unreadable(one, name, f"no captions as COCO has them: {error!r}") from error
    if not found:
        raise ImageSetError(
            f"the set {one.name}: none of the images that {', '.join(names)} names is in "
            f"{one.path}; `path` is the folder that holds both"
        )
    return found, list(absent)


def _of_texts(one: ImageSet, listing: Listing, named: Mapping[str, list[str]]) -> Captions:
    """Captions by image: the lines of the first file that is there."""
    found: dict[str, list[str]] = {}
    for image, names in named.items():
        text = next((name for name in names if name in listing), None)
        if text is not None:
            with files.open_read(location_of(one, text)) as stream:
                content = stream.read(MAX_TEXT_BYTES).decode("utf-8", "replace")
            found[image] = [line.strip() for line in content.splitlines() if line.strip()]
    return found


def _of_table(one: ImageSet, name: str) -> Captions:
    """Captions by image, of a table of the folder."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in _table_rows(one, name):
        column = next((column for column in FILE_COLUMNS if column in row), None)
        if column is None or one.caption_column not in row:
            columns = ", ".join(row)
            raise _unreadable(
                one,
                name,
                f"it needs {FILE_COLUMNS[0]!r} and {one.caption_column!r}, and has {columns}",
            )
        found[posixpath.normpath(str(row[column]))] += _texts(row[one.caption_column])
    return found


def _table_rows(one: ImageSet, name: str) -> list[dict[str, Any]]:
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


def _rows(one: ImageSet, name: str, prefix: str) -> Iterator[SetImage]:
    """The rows of a Parquet file that holds the images themselves, a row group at a time."""
    number = 0
    for table in read_row_groups(location_of(one, name)):
        if missing := {one.image_column, one.caption_column} - set(table.column_names):
            raise _unreadable(
                one, name, f"no column {min(missing)!r} among {', '.join(table.column_names)}"
            )
        for row in table.select([one.image_column, one.caption_column]).to_pylist():
            captions = _texts(row[one.caption_column])
            yield SetImage(f"{prefix}{number}", captions, partial(_bytes, row[one.image_column]))
            number += 1


def _bytes(value: Any) -> bytes:
    content = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(content, bytes):
        raise OSError("the row holds no bytes")
    return content


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(text) for text in values if text]


def _read_json(one: ImageSet, name: str) -> Any:
    try:
        return files.read_json(location_of(one, name))
    except ValueError as error:
        raise _unreadable(one, name, str(error)) from error


def _unreadable(one: ImageSet, name: str, why: str) -> ImageSetError:
    return ImageSetError(f"the set {one.name}: {name} cannot be read: {why}")


def _stem(name: str) -> str:
    return posixpath.splitext(name)[0]
