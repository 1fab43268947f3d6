"""Labels of images out of a table, in pieces that different workers read."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from dalle_model import files
from dalle_model.ranges import open_in_ranges
from dalle_model.shards import image_of
from pipelines.io.keys import image_part, shard_of
from pipelines.label_overlap.config import LabelOverlapConfig, LabelsError
from pipelines.label_overlap.matching import Scored, chosen_labels, clean_label

KEY, URL, LABELS, SCORES = "key", "url", "labels", "scores"
BATCH_ROWS = 8192  # read at a time; chosen: some MB
_DIGITS = set("0123456789abcdef")

Row = Mapping[str, Any]


class Piece(NamedTuple):
    """A part of a table that is read alone: a row group of Parquet, or a whole file."""

    url: str
    row_group: int = 0


class ImageLabels(NamedTuple):
    """The labels of an image.

    Args:
        image: its part of a key.
        labels: the best first.
    """

    image: str
    labels: tuple[str, ...]


def pieces(url: str) -> list[Piece]:
    """The parts of a table.

    Raises:
        LabelsError: it cannot be read.
    """
    if not url.endswith(".parquet"):
        return [Piece(url)]
    try:
        with open_in_ranges(url) as stream:
            return [Piece(url, n) for n in range(pq.ParquetFile(stream).num_row_groups)]
    except (OSError, pa.ArrowException) as error:
        raise LabelsError(f"label_overlap.table: {url} cannot be read: {error}") from error


def read_piece(
    piece: Piece, num_shards: int, config: LabelOverlapConfig
) -> Iterator[tuple[int, list[ImageLabels]]]:
    """The labels of a part of a table, by the shard that has their images.

    Args:
        piece: of the table.
        num_shards: of the run.
        config: how many labels an image has.

    Raises:
        LabelsError: it cannot be read, or a row is no labels of an image.
    """
    try:
        for rows in _batches(piece):
            found: dict[int, list[ImageLabels]] = {}
            for row in rows:
                one = ImageLabels(_image(row), tuple(chosen_labels(_labels(row), config)))
                found.setdefault(shard_of(one.image, num_shards), []).append(one)
            yield from sorted(found.items())
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        raise LabelsError(
            f"label_overlap.table: {piece.url}: {error}; a row has `{KEY}` or `{URL}` of an image, "
            f"`{LABELS}` and, where there are some, as many `{SCORES}` (docs/similarity.md)"
        ) from error


def _image(row: Row) -> str:
    """The image's part of a key: that of the row, or the one that its URL makes."""
    key, url = row.get(KEY), row.get(URL)
    if key:
        if not set(str(key)) <= _DIGITS or len(str(key)) < len(image_part(b"")):
            raise ValueError(f"{str(key)[:60]!r} is no key")
        return image_of(str(key))
    if not url:
        raise ValueError("a row names no image")
    return image_part(str(url).encode())


def _labels(row: Row) -> list[Scored]:
    labels = [clean_label(str(label)) for label in _listed(row[LABELS])]
    given = row.get(SCORES)
    if given is None or given == "":
        return [(label, 1.0) for label in labels if label]
    scores = [float(score) for score in _listed(given)]
    if len(scores) != len(labels):
        raise ValueError(f"{len(labels)} labels have {len(scores)} scores")
    return [one for one in zip(labels, scores, strict=True) if one[0]]


def _listed(value: Any) -> Sequence[Any]:
    """A list as it is; a text, as CSV has it, at its semicolons; nothing of null."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    return [] if value is None else list(value)


def _batches(piece: Piece) -> Iterator[Iterable[Row]]:
    url = piece.url
    with open_in_ranges(url) if url.endswith(".parquet") else files.open_read(url) as stream:
        if url.endswith(".jsonl"):
            yield from _of_lines(stream)
        elif url.endswith(".csv"):
            for batch in pc.open_csv(stream):
                _check(batch.schema.names)
                yield batch.to_pylist()
        elif url.endswith(".parquet"):
            yield from _of_row_group(pq.ParquetFile(stream), piece.row_group)
        else:
            raise ValueError("its name ends neither in .parquet nor in .csv or .jsonl")


def _of_row_group(table: pq.ParquetFile, number: int) -> Iterator[Iterable[Row]]:
    names = [n for n in (KEY, URL, LABELS, SCORES) if n in table.schema_arrow.names]
    _check(names)
    for batch in table.iter_batches(BATCH_ROWS, [number], names, use_threads=False):
        yield batch.to_pylist()


def _of_lines(stream: BinaryIO) -> Iterator[Iterable[Row]]:
    rows: list[Row] = []
    for line in stream:
        if line.strip():
            rows.append(json.loads(line))
            _check(rows[-1])
        if len(rows) == BATCH_ROWS:
            yield rows
            rows = []
    yield rows


def _check(names: Iterable[str]) -> None:
    """Raise ValueError where a table lacks a column."""
    known = set(names)
    if LABELS not in known or not known & {KEY, URL}:
        raise ValueError(f"its columns are {', '.join(sorted(known))[:200]}")
