"""Samples as records in numbered files of limited size, for formats that are written so."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model import files
from dalle_model.shard_schema import TOKEN_SHAPE, companion
from dalle_model.shard_sets.shard import Shard
from orchestration.token_formats.format import Export
from orchestration.token_formats.samples import shaped_codes

LIMIT = 1 << 26  # bytes of a file. Source: streaming and litdata, what their examples write


class Record(NamedTuple):
    """A sample.

    Args:
        key: of the pair.
        caption: its text.
        codes: of each column of tokens, in their shape.
        row: all other columns as JSON.
    """

    key: str
    caption: str
    codes: dict[str, npt.NDArray[Any]]
    row: str


class Packed(NamedTuple):
    """Some samples as one file holds them: where each begins, and where the last one ends."""

    num_samples: int
    ends: npt.NDArray[np.uint32]
    content: bytes


def records(export: Export, shard: Shard) -> Iterator[Record]:
    """The rows of a shard, in order."""
    tokens = list(export.source.metadata.tokens)
    apart = {"key", "caption", *tokens, *(companion(name, TOKEN_SHAPE) for name in tokens)}
    for table in shard.tables():
        codes = {name: shaped_codes(table, export, name) for name in tokens}
        rest = table.drop_columns([name for name in table.column_names if name in apart])
        for key, caption, row in zip(*_texts(table), rest.to_pylist(), strict=True):
            each = {name: next(found) for name, found in codes.items()}
            yield Record(key, caption, each, json.dumps(row, ensure_ascii=False))


def packed(samples: Iterable[bytes], start: Callable[[int], int]) -> Iterator[Packed]:
    """Samples by files, none of which is larger than the limit, but for one of one sample.

    Args:
        samples: serialised.
        start: where the first of so many samples begins in a file.
    """
    held, size = list[bytes](), 0
    for sample in samples:
        if held and start(len(held) + 1) + size + len(sample) > LIMIT:
            yield _pack(held, start)
            held, size = [], 0
        held.append(sample)
        size += len(sample)
    if held:
        yield _pack(held, start)


def write_once(url: str, content: bytes) -> None:
    """Write a file unless an earlier call has: its bytes would be the same."""
    if not files.exists(url):
        files.write_bytes(url, content)


def _pack(samples: list[bytes], start: Callable[[int], int]) -> Packed:
    sizes = np.cumsum([start(len(samples)), *map(len, samples)])
    return Packed(len(samples), sizes.astype("<u4"), b"".join(samples))


def _texts(table: pa.Table) -> tuple[list[str], list[str]]:
    return table["key"].to_pylist(), table["caption"].to_pylist()
