"""Parquet tables of URLs, or of images with their bytes; the unit is the row group."""

import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model.shards import open_parquet
from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import Found, rejection
from pipelines.crawl.images.image import Image
from pipelines.crawl.impostors import HEAD_BYTES, impostor
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import WHOLE, Claim, Extent, every, extent_of_items
from pipelines.crawl.tables.columns import ColumnError, Columns, find_column, locate
from pipelines.crawl.tables.rows import Damage, Row, bad, found_in
from pipelines.rejection import Rejection

# Usual names of columns of image bytes. Source: img2dataset's Parquet output (`jpg`, `png`,
# `webp`). A struct with a field `bytes` counts under any name. Source: `datasets.Image`.
IMAGE_NAMES = ("image", "img", "jpg", "jpeg", "png", "webp")
_MAGIC = b"PAR1"  # Source: parquet-format, "File Format", as the next
_MIN_BYTES = 12  # the magic twice, and the length of the footer
_URL_ROWS = 1024
_IMAGE_ROWS = 32  # chosen: rows held at a time; some 10 MB
# The beginning of an absolute path, or of a URL, in any system.
_OF_A_MACHINE = re.compile(r"^[/\\~]|^[A-Za-z]:|://")
_MAX_NAME_CHARS = 200  # of a type, in an error; chosen: two lines of a terminal
_BYTES = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)
# What pyarrow raises on damaged bytes.
_HOSTILE = (pa.ArrowException, OSError, OverflowError, ValueError)


def read_parquet(
    stream: BinaryIO,
    name: str,
    source: Source,
    start: int = 0,
    claim: Claim = every,
    *,
    needs_captions: bool = True,
) -> Iterator[Found | Image | Rejection | PassedOver]:
    """The rows of the row groups from a number on; a `bad_record` for each that cannot be read.

    Args:
        stream: seekable.
        name: of the file, for errors.
        source: says where the columns are.
        start: number of the first row group.
        claim: asked for the number of each row group.
        needs_captions: whether a table without a column of captions is an error.

    Raises:
        ColumnError: a column is not there, or more than one could be meant.
    """
    file = _open(stream)
    if file is None:
        if start == 0 and claim(0):
            yield bad(Damage(f"not readable as Parquet: {_fault(stream)}"))
        return
    names, image = file.schema_arrow.names, _image_column(file, source, name)
    columns = locate(names, source, name, image, needs_captions=needs_captions)
    for group in range(start, file.num_row_groups):
        if not claim(group):
            return
        for number, row in enumerate(_rows(file, group, columns), _rows_before(file, group)):
            if isinstance(row, Damage):
                yield bad(row)
            else:
                yield from _found(row, number, columns, source)


def find_columns(stream: BinaryIO, name: str, source: Source) -> tuple[Columns, list[str]]:
    """The columns that are read, of which captions may lack, and the names of all."""
    file = _open(stream)
    if file is None:
        return Columns(None, None), []
    names, image = file.schema_arrow.names, _image_column(file, source, name)
    return locate(names, source, name, image, needs_captions=False), names


def parquet_extent(stream: BinaryIO) -> Extent:
    """The row groups; one piece for what cannot be read."""
    file = _open(stream)
    if file is None:
        return WHOLE
    return extent_of_items(file.num_row_groups, stream.seek(0, io.SEEK_END))


def _rows_before(file: pq.ParquetFile, group: int) -> int:
    return sum(file.metadata.row_group(number).num_rows for number in range(group))


def _open(stream: BinaryIO) -> pq.ParquetFile | None:
    stream.seek(0)
    try:
        return open_parquet(stream)
    except _HOSTILE:
        return None


def _fault(stream: BinaryIO) -> str:
    """What is wrong with a file that should be Parquet."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    if not head.startswith(_MAGIC):
        return impostor(head) or ("the file is empty" if size == 0 else "it is of another format")
    stream.seek(max(0, size - len(_MAGIC)))
    if size < _MIN_BYTES or stream.read() != _MAGIC:
        return "its end is missing, as after a download that broke off"
    return "its footer is damaged"


def _rows(file: pq.ParquetFile, group: int, columns: Columns) -> Iterator[Row | Damage]:
    """Rows with None in the cells that are not needed."""
    names, needed = file.schema_arrow.names, columns.needed()
    is_unique = len(set(names)) == len(names)
    chosen = [names[index] for index in needed] if is_unique else None
    batch_rows = _URL_ROWS if columns.image is None else _IMAGE_ROWS
    try:
        for batch in file.iter_batches(
            batch_rows, row_groups=[group], columns=chosen, use_threads=False
        ):
            empty = [None] * batch.num_rows
            values = dict.fromkeys(range(len(names)), empty)
            indices = needed if is_unique else range(len(names))
            values |= {index: batch.column(i).to_pylist() for i, index in enumerate(indices)}
            yield from (list(row) for row in zip(*values.values(), strict=True))
    except _HOSTILE:
        yield Damage("damaged row group")


def _found(
    row: Row, number: int, columns: Columns, source: Source
) -> Iterator[Found | Image | Rejection | PassedOver]:
    for found in found_in(row, columns, source.name):
        if columns.image is None or isinstance(found, Rejection | PassedOver):
            yield found
            continue
        encoded = _bytes_of(row[columns.image])
        if encoded is None:
            yield rejection(found.raw_url, found.caption, "no_picture", "no bytes in the row")
        else:
            name = _path_of(row[columns.image]) or str(number)
            yield Image(found._replace(name=name), encoded)


def _bytes_of(cell: Any) -> bytes | None:
    """The bytes of a cell; a path next to them is never followed."""
    return cell.get("bytes") if isinstance(cell, dict) else cell


def _path_of(cell: Any) -> str:
    """The path that stands beside bytes, if it is one within the data: no place of a machine."""
    path = cell.get("path") if isinstance(cell, dict) else None
    if not isinstance(path, str) or not path.isprintable():
        return ""
    return "" if _OF_A_MACHINE.search(path) or ".." in path.split("/") else path


def _image_column(file: pq.ParquetFile, source: Source, name: str) -> int | None:
    """The column that holds images; None in a table of URLs."""
    schema = file.schema_arrow
    if source.image_column is not None:
        return _chosen_column(schema, str(source.image_column), source, name)
    index = _only_column(schema, name)
    if index is None and find_column(schema.names, source, "url_column", name) is None:
        _refuse_other_types(schema, name)
    return index


def _chosen_column(schema: pa.Schema, wanted: str, source: Source, name: str) -> int:
    """The column of images that the config names, or gives by number."""
    names = [str(index) for index in range(len(schema))] + [n.lower() for n in schema.names]
    index = names.index(wanted.lower()) if wanted.lower() in names else -1
    if index < 0 or not _may_hold_images(schema.field(index % len(schema)).type):
        kind = f" (it is of type {_type_name(schema, index)})" if index >= 0 else ""
        raise ColumnError(
            f"{name} has no column {source.image_column!r} of bytes, or of structs with a field "
            f"`bytes`{kind}; its columns are {', '.join(schema.names)}; set `image_column` of this "
            "source to one with the bytes of one image a row"
        )
    return index % len(schema)


def _only_column(schema: pa.Schema, name: str) -> int | None:
    """The column of images by its type and name; None where there is none."""
    found = [
        index
        for index, field in enumerate(schema)
        if _may_hold_images(field.type)
        and (pa.types.is_struct(field.type) or field.name.lower() in IMAGE_NAMES)
    ]
    if len(found) > 1:
        raise ColumnError(
            f"{name}: the columns {' and '.join(schema.names[index] for index in found)} all hold "
            "bytes of images; set `image_column` of this source to one of them"
        )
    return found[0] if found else None


def _refuse_other_types(schema: pa.Schema, name: str) -> None:
    """Raise an error for a table without URLs whose images are in a type that is not read."""
    for index, field in enumerate(schema):
        if field.name.lower() in {*IMAGE_NAMES, "images"} or _may_hold_bytes(field.type):
            raise ColumnError(
                f"{name}: the column {field.name!r} is of type {_type_name(schema, index)}, from "
                "which no image is read; write the bytes of one image a row (binary, or a struct "
                "with a field `bytes`) and set `image_column` of this source to that column"
            )


def _may_hold_images(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return _may_hold_images(kind.storage_type)
    if pa.types.is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _may_hold_images(kind.field(index).type)
    if pa.types.is_dictionary(kind):
        return _may_hold_images(kind.value_type)
    return any(is_kind(kind) for is_kind in _BYTES)


def _may_hold_bytes(kind: pa.DataType) -> bool:
    """Whether a type has bytes in it, however deep."""
    inner = [kind.field(index).type for index in range(kind.num_fields)]
    return _may_hold_images(kind) or any(map(_may_hold_bytes, inner))


def _type_name(schema: pa.Schema, index: int) -> str:
    return str(schema.field(index % len(schema)).type)[:_MAX_NAME_CHARS]
