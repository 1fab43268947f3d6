"""A set of token shards of one codec, read by ranges of keys, so that no set is ever held whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model.at_once import at_once
from dalle_model.shard_schema import ShardMetadata
from dalle_model.shard_sets.shard import Shard, open_shard
from dalle_model.shards import (
    SUFFIX,
    list_shards,
    refuse_other_columns,
    refuse_to_mix,
)

_DIGITS = 8  # of a key that divide ranges; chosen: 4e9 of them


class Rows(NamedTuple):
    """Some rows of a set, in no order.

    Args:
        table: of them.
        shards: int32 `(rows,)`, the number of the shard of each.
    """

    table: pa.Table
    shards: npt.NDArray[np.int32]


@dataclass(frozen=True)
class TokenSet:
    """Token shards whose codes mean the same and whose columns are the same.

    Args:
        url: of the folder, or of the one shard.
        shards: sorted by name, as far as they have been opened: their footers.
    """

    url: str
    shards: tuple[Shard, ...]

    @property
    def metadata(self) -> ShardMetadata:
        """What the tokens mean, as the first shard says."""
        return self.shards[0].metadata

    @property
    def fingerprint(self) -> str:
        """Of what made the tokens, as the first shard says."""
        return self.metadata.fingerprint

    @property
    def identities(self) -> list[tuple[str, int, str | None]]:
        """URL, bytes and stamp of each shard, which change when its file does."""
        return [(shard.url, shard.num_bytes, shard.stamp) for shard in self.shards]

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        return self.shards[0].schema

    @property
    def rows(self) -> int:
        """How many there are in all shards."""
        return sum(shard.rows for shard in self.shards)

    @property
    def num_bytes(self) -> int:
        """Of all files."""
        return sum(shard.num_bytes for shard in self.shards)

    def first(self, number: int, columns: list[str]) -> pa.Table:
        """The first rows, of no more shards than that takes; raises as `Shard.tables`."""
        tables, left = [self.schema.empty_table().select(columns)], number
        for shard in self.shards:
            for table in shard.tables(columns):
                tables.append(table.slice(0, left))
                left -= tables[-1].num_rows
                if not left:
                    return pa.concat_tables(tables)
        return pa.concat_tables(tables)

    def between(self, columns: list[str], start: str, stop: str) -> Rows:
        """The rows of all shards with keys in `[start, stop)`; raises as `Shard.tables`."""
        tables, numbers = [self.schema.empty_table().select(columns)], [np.zeros(0, np.int32)]
        for number, shard in enumerate(self.shards):
            for table in shard.tables(columns, start, stop):
                tables.append(table)
                numbers.append(np.full(table.num_rows, number, np.int32))
        return Rows(pa.concat_tables(tables, promote_options="default"), np.concatenate(numbers))


def open_set(url: str) -> TokenSet:
    """Read the footers of all shards of a folder, or of a single one.

    Raises:
        ShardError: there are none, one cannot be read, or two are of different codecs or columns;
            names both.
    """
    urls = [url] if url.endswith(SUFFIX) else list_shards(url)
    shards = tuple(at_once(open_shard, urls))
    for shard in shards[1:]:
        refuse_to_mix(shards[0].url, shards[0].metadata, shard.url, shard.metadata)
        refuse_other_columns(shards[0].url, shards[0].schema, shard.url, shard.schema)
    return TokenSet(url, shards)


def key_ranges(rows: int, most: int) -> Iterator[tuple[str, str]]:
    """Ranges of keys that cover all of them, in order; as keys are hashes, each has as many rows.

    Args:
        rows: how many there are.
        most: that shall be in a range, more or less.

    Yields:
        The first digits of the lowest key, and of the first key beyond.
    """
    number = max(1, -(-rows // most))
    edges = [f"{place * 16**_DIGITS // number:0{_DIGITS}x}" for place in range(number)]
    yield from zip(["", *edges[1:]], [*edges[1:], "g"], strict=True)
