"""Rows of equal keys, of which one survives, and images with too many captions.

A logo with one text on 300,000 pages is one candidate and 299,999 rejections. A worker settles what
it has read itself, so that copies cross the shuffle already rejected, and equal ones as a number.
What crosses is a block for each shard, not a row: a group is few elements, however hot its key.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from dalle_model.shards import image_of
from pipelines.crawl.blobs import CandidateRef, Packed, unpack
from pipelines.crawl.candidates import DUPLICATE, TOO_MANY_CAPTIONS, rejection
from pipelines.crawl.crowds import beyond, last_keys
from pipelines.crawl.rejections import Counted, Values, values_of
from pipelines.crawl.stored import Latest, StoredRef, pack_refs, unpack_refs
from pipelines.io.keys import shard_of
from pipelines.rejection import Rejection

MAX_HELD = 10_000  # different rows that a worker holds; chosen: some 10 MB
MAX_HELD_BYTES = 8 << 20  # chosen: as many rows of usual length, and a block that any engine takes

Drop = Callable[[Values, int], None]


@dataclass(frozen=True)
class Settled:
    """Rows of one shard that a worker has read: those that may survive, and those that do not.

    Args:
        kept: packed candidates, one of each key.
        dropped: rows of `REJECTION_SCHEMA`, each with how often it stands there.
        stored: packed references to the images that sources store under URLs of the shard.
    """

    kept: bytes
    dropped: bytes
    stored: bytes

    @classmethod
    def of(
        cls, kept: list[Packed], dropped: Counter[Values], refs: Iterable[StoredRef] = ()
    ) -> "Settled":
        """Candidates, rejections with how often each stands there, and stored images."""
        counted = [[*row, count] for row, count in dropped.items()]
        return cls(msgspec.msgpack.encode(kept), msgspec.msgpack.encode(counted), pack_refs(refs))

    def images(self) -> Iterator[StoredRef]:
        """The stored images."""
        return unpack_refs(self.stored)

    def candidates(self) -> list[Packed]:
        """The candidates."""
        return msgspec.msgpack.decode(self.kept, type=list[Packed])

    def rejections(self) -> Iterator[Counted]:
        """The rejections, each with its number."""
        return ((tuple(row[:-1]), row[-1]) for row in msgspec.msgpack.decode(self.dropped))


class Survivors:
    """Of each key the least row, and of each image the first captions, of rows in any order.

    Where the bytes of an image are makes no difference to a row: equal rows have equal bytes,
    wherever those are read from.

    Args:
        most: captions kept of an image; None for all.
        drop: called with each rejection and how often it stands there.
    """

    def __init__(self, most: int | None, drop: Drop) -> None:
        self._most, self._drop = most, drop
        self._rows: dict[str, Packed] = {}
        self._copies: Counter[Packed] = Counter()
        self._cut_at = MAX_HELD

    def add(self, key: str, packed: Packed) -> bool:
        """Take a row; whether more is held than before."""
        if key not in self._rows:
            self._rows[key] = packed
            if len(self._rows) >= self._cut_at:
                self._cut()
                self._cut_at = MAX_HELD + 2 * len(self._rows)  # so that few rows are sorted again
            return True
        is_new = packed not in self._copies
        self._copies[packed] += 1
        if len(self._copies) >= MAX_HELD:
            self._settle()
        return is_new

    def rows(self) -> dict[str, Packed]:
        """Those that are left, by key."""
        self._settle()
        self._cut()
        return self._rows

    def _settle(self) -> None:
        """Let the least of the rows of each key stand for it."""
        least: dict[str, CandidateRef] = {}
        for packed, count in self._copies.items():
            row = unpack(packed)
            key = row.candidate.key
            first = least[key] if key in least else unpack(self._rows[key])
            least[key], other = in_order(first, row)
            is_least = other is first
            if is_least:
                self._rows[key] = packed
                self._drop(values_of(duplicate_of(first)), 1)
            if count > is_least:
                self._drop(values_of(duplicate_of(row)), count - is_least)
        self._copies.clear()

    def _cut(self) -> None:
        """Let go of what is behind the first captions of an image."""
        if self._most is not None:
            self._settle()
            for key in beyond(self._rows, self._most):
                row = unpack(self._rows.pop(key))
                self._drop(values_of(one_too_many(row, self._most)), 1)


class HeldRows:
    """The rows that a worker has read and not yet sent.

    Args:
        num_shards: of the run.
        most: as in `Survivors`.
    """

    def __init__(self, num_shards: int, most: int | None) -> None:
        self._num_shards, self._most = num_shards, most
        self._last: dict[str, str] = {}
        self._forget()

    @property
    def is_full(self) -> bool:
        """Whether they should be let go."""
        return self._num_rows >= MAX_HELD or self._num_bytes >= MAX_HELD_BYTES

    def drop(self, row: Rejection) -> None:
        """Take a rejection."""
        self._count(values_of(row), 1)

    def add(self, key: str, packed: Packed) -> None:
        """Take a candidate."""
        if self._most is not None and self._last and key > self._last.get(image_of(key), key):
            self._count(values_of(one_too_many(unpack(packed), self._most)), 1)
        elif self._survivors.add(key, packed):
            self._hold(len(packed))

    def store(self, ref: StoredRef) -> None:
        """Take an image that a source stores."""
        if self._stored.setdefault(shard_of(ref.image, self._num_shards), Latest()).add(ref):
            self._hold(len(ref.blob.location))

    def let_go(self) -> Iterator[tuple[int, Settled]]:
        """The rows of each shard; nothing is held any longer."""
        rows = self._survivors.rows()
        kept: dict[int, list[Packed]] = {}
        for key, packed in rows.items():
            kept.setdefault(shard_of(key, self._num_shards), []).append(packed)
        for shard in kept.keys() | self._dropped.keys() | self._stored.keys():
            dropped, stored = self._dropped.get(shard, Counter()), self._stored.get(shard)
            yield shard, Settled.of(kept.get(shard, []), dropped, stored.refs() if stored else ())
        if self._most is not None:
            self._remember(last_keys(rows, self._most))
        self._forget()

    def _count(self, values: Values, count: int) -> None:
        counts = self._dropped.setdefault(shard_of(values[0], self._num_shards), Counter())
        if values not in counts:
            self._hold(sum(len(value) for value in values if isinstance(value, str)))
        counts[values] += count

    def _hold(self, num_bytes: int) -> None:
        self._num_rows += 1
        self._num_bytes += num_bytes

    def _remember(self, last: dict[str, str]) -> None:
        """What is behind these keys will not survive, whatever else is read."""
        self._last |= last
        if len(self._last) > MAX_HELD:
            self._last = {}

    def _forget(self) -> None:
        self._survivors = Survivors(self._most, self._count)
        self._dropped: dict[int, Counter[Values]] = {}
        self._stored: dict[int, Latest] = {}
        self._num_rows = self._num_bytes = 0


def in_order(one: CandidateRef, other: CandidateRef) -> tuple[CandidateRef, CandidateRef]:
    """Two rows of one key, the one that survives first."""
    return (one, other) if _order(one) <= _order(other) else (other, one)


def duplicate_of(row: CandidateRef) -> Rejection:
    """The rejection of a row that another one of its key stands for."""
    key, url, caption, page_url, *_ = row.candidate
    return rejection(url, caption, DUPLICATE, page_url or row.candidate.name, key=key)


def one_too_many(row: CandidateRef, most: int) -> Rejection:
    """The rejection of a row that is behind the first captions of its image."""
    key, url, caption, page_url, *_ = row.candidate
    where = page_url or row.candidate.name
    return rejection(url, caption, TOO_MANY_CAPTIONS, where, key=key, threshold=most)


def _order(row: CandidateRef) -> tuple[object, ...]:
    return (row.candidate, row.blob or ())
