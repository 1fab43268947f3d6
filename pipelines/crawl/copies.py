"""Rows of equal keys, of which one survives and each other one is a rejection.

A logo with one text on 300,000 pages is one candidate and 299,999 rejections. A worker settles what
it has read itself, so that copies cross the shuffle already rejected, and equal ones as a number;
a shard holds them in columns.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from pipelines.crawl.blobs import CandidateRef, Packed, key_of, unpack
from pipelines.crawl.candidates import rejection
from pipelines.rejection import REJECTION_SCHEMA, Rejection

MAX_HELD = 10_000  # different rows that a worker holds; chosen: some 10 MB
_CHUNK = 10_000  # different rows that become columns together; chosen: as above

Values = tuple[Any, ...]  # of a rejection, in the order of its schema
Counted = tuple[Values, int]


@dataclass(frozen=True)
class Dropped:
    """Rejections that share a shard, each with how often it stands there.

    Args:
        packed: rows of `REJECTION_SCHEMA`, the number last.
    """

    packed: bytes

    @classmethod
    def of(cls, counts: Counter[Values]) -> "Dropped":
        """Rejections and how often each stands there."""
        return cls(msgspec.msgpack.encode([[*row, count] for row, count in counts.items()]))

    def rows(self) -> Iterator[Counted]:
        """The rejections, each with its number."""
        return ((tuple(row[:-1]), row[-1]) for row in msgspec.msgpack.decode(self.packed))


class HeldRows:
    """The rows that a worker has read and not yet sent."""

    def __init__(self) -> None:
        self._first: dict[str, Packed] = {}
        self._copies: dict[str, Counter[Packed]] = {}
        self._dropped: dict[str, Counter[Values]] = {}
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether they should be let go."""
        return self._size >= MAX_HELD

    def drop(self, key: str, row: Rejection) -> None:
        """Take a rejection that belongs to the shard of a key."""
        self._count(self._dropped, key, values_of(row))

    def add(self, key: str, packed: Packed) -> None:
        """Take a candidate."""
        if key in self._first:
            self._count(self._copies, key, packed)
            return
        self._first[key] = packed
        self._size += 1

    def let_go(self) -> list[tuple[str, Packed | Dropped]]:
        """Of each key the least candidate, and the rejections; nothing is held any longer."""
        kept, copies, dropped = self._first, self._copies, self._dropped
        self._first, self._copies, self._dropped, self._size = {}, {}, {}, 0
        for key, counts in copies.items():
            kept[key] = _settle(kept[key], counts, dropped.setdefault(key, Counter()))
        return [*kept.items(), *((key, Dropped.of(counts)) for key, counts in dropped.items())]

    def _count(self, held: dict[str, Counter[Any]], key: str, row: Any) -> None:
        counts = held.setdefault(key, Counter())
        self._size += row not in counts
        counts[row] += 1


def _settle(first: Packed, copies: Counter[Packed], dropped: Counter[Values]) -> Packed:
    """The least of some rows of one key; the others are added to the rejections."""
    copies[first] += 1
    rows = {packed: unpack(packed) for packed in copies}
    least = min(rows, key=lambda packed: _order(rows[packed]))
    copies[least] -= 1
    for packed, count in (+copies).items():
        dropped[values_of(duplicate_of(rows[packed]))] += count
    return least


class Rejections:
    """Rejections of a shard as columns, of which only the latest are still objects.

    Args:
        count: of all rows.
    """

    def __init__(self) -> None:
        self.count = 0
        self._latest: list[Counted] = []
        self._tables = [REJECTION_SCHEMA.empty_table()]

    def add(self, values: Values, count: int = 1) -> None:
        """Take a rejection that stands there `count` times."""
        self.count += count
        self._latest.append((values, count))
        if len(self._latest) >= _CHUNK:
            self._to_columns()

    def table(self) -> pa.Table:
        """All of them, in `REJECTION_SCHEMA`."""
        self._to_columns()
        return pa.concat_tables(self._tables)

    def _to_columns(self) -> None:
        if not self._latest:
            return
        rows, counts = zip(*self._latest, strict=True)
        types = [field.type for field in REJECTION_SCHEMA]
        columns = [pa.array(*c) for c in zip(zip(*rows, strict=True), types, strict=True)]
        table = pa.table(columns, schema=REJECTION_SCHEMA)
        self._tables.append(table.take(np.repeat(np.arange(len(rows)), counts)))
        self._latest = []


def survivors(packed: Iterable[Packed], rejections: Rejections) -> Iterator[CandidateRef]:
    """The least row of each key; a rejection of each other one is added to the rejections.

    Where the bytes are makes no difference to a row: equal rows have equal bytes, wherever those
    are read from.
    """
    for _, group in groupby(sorted(packed), key_of):
        least = unpack(next(group))
        for row in map(unpack, group):
            least, other = in_order(least, row)
            rejections.add(values_of(duplicate_of(other)))
        yield least


def in_order(one: CandidateRef, other: CandidateRef) -> tuple[CandidateRef, CandidateRef]:
    """Two rows of one key, the one that survives first."""
    return (one, other) if _order(one) <= _order(other) else (other, one)


def duplicate_of(row: CandidateRef) -> Rejection:
    """The rejection of a row that another one of its key stands for."""
    candidate = row.candidate
    return rejection(candidate.url, candidate.caption, "duplicate_pair", candidate.page_url)


def values_of(row: Rejection) -> Values:
    """A rejection without names."""
    return tuple(getattr(row, name) for name in REJECTION_SCHEMA.names)


def _order(row: CandidateRef) -> tuple[Any, ...]:
    return (row.candidate, row.blob or ())
