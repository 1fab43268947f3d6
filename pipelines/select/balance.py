"""MetaCLIP's balancing: captions of frequent entries are thinned out, those of rare ones stay.

A caption is kept if any of its entries draws it, each with the probability min(1, t / count). The
draw of a row and an entry is a hash of both and of a seed: whoever draws, in whatever order, keeps
the same rows. Source: Xu et al. 2023 (MetaCLIP, arXiv 2309.16671), section 3.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.select.entries import Entries, Matches, build
from pipelines.select.lists import loaded, texts_in
from pipelines.select.recipe import KEY, TEXT, Counts, Judged, Mask, Rule

Hashes = NDArray[np.uint64]
# Source: Steele, Lea and Flood 2014, SplitMix64.
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_LAST_SHIFT = 31
_FRACTION_BITS = 53  # of a float64


@dataclass(frozen=True)
class EntryCounts:
    """How many captions of all rows have each entry.

    Args:
        url: of the list of entries.
    """

    url: str

    def count(self, rows: pa.Table) -> Counts:
        """Captions by entry, int64 `[entries]`."""
        entries = read_entries(self.url)
        found = entries.find(captions_of(rows))
        return np.bincount(found.entries, minlength=len(entries.texts)).astype(np.int64)

    def unsettled(self) -> Counts:
        """Every entry is rare."""
        return np.zeros(len(read_entries(self.url).texts), np.int64)

    def gather(self, rows: pa.Table, counts: Counts) -> NDArray[np.float64]:
        """Nothing: the counts settle it."""
        del rows, counts
        return np.zeros(0, np.float64)

    def settle(self, counts: Counts, gathered: NDArray[np.float64]) -> Counts:
        """The counts."""
        del gathered
        return counts


def read_entries(url: str) -> Entries:
    """The entries of a file, loaded once in a process; raises `ListError` or `EntriesError`."""
    return loaded(_entries, url, depends_on=[url])


def balanced(url: str, t: int, seed: int, counts: Counts) -> Rule:
    """Captions that an entry draws; one without any entry is never drawn.

    Args:
        url: of the list of entries.
        t: captions of an entry up to which all are kept.
        seed: of the draws.
        counts: of captions of all rows, by entry.
    """

    def judge(rows: pa.Table) -> Judged:
        entries = read_entries(url)
        found = entries.find(captions_of(rows))
        keys = hashes(rows[KEY].to_pylist(), seed)
        numbers, which = np.unique(found.entries, return_inverse=True)
        names = hashes([entries.texts[number] for number in numbers.tolist()], 0)
        drawn = draws(keys[found.captions] ^ names[which], counts[found.entries], t)
        rarest, measured = _rarest(found, counts, len(rows))
        details = [entries.texts[n] if n >= 0 else "no entry" for n in rarest.tolist()]
        return Judged(_any(found, drawn, len(rows)), measured, details)

    return Rule("thinned_out", judge, t, is_of_all=True)


def draws(pairs: Hashes, counts: Counts, t: int) -> Mask:
    """Whether each entry draws the caption beside it.

    Args:
        pairs: a hash of each caption and entry.
        counts: captions of all rows that have the entry.
        t: captions of an entry up to which all are drawn.
    """
    uniform = (mixed(pairs) >> np.uint64(64 - _FRACTION_BITS)) * 2.0**-_FRACTION_BITS
    found: Mask = uniform < t / np.maximum(counts, 1)
    return found


def hashes(texts: Iterable[str], seed: int) -> Hashes:
    """A hash of each text under a seed: its BLAKE2b-64, read as a little-endian number."""
    salt = seed.to_bytes(blake2b.SALT_SIZE, "little")
    digests = [blake2b(text.encode(), digest_size=8, salt=salt).digest() for text in texts]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def mixed(numbers: Hashes) -> Hashes:
    """Numbers whose bits are spread, by the last step of SplitMix64."""
    for shift, factor in _MIX:
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(_LAST_SHIFT))


def captions_of(rows: pa.Table) -> pa.Array:
    """The captions as one array."""
    return rows[TEXT].cast(pa.string()).combine_chunks()


def _entries(url: str) -> Entries:
    return build(texts_in(url, "entries"))


def _any(found: Matches, drawn: Mask, num_rows: int) -> Mask:
    is_kept = np.zeros(num_rows, np.bool_)
    is_kept[found.captions[drawn]] = True
    return is_kept


def _rarest(
    found: Matches, counts: Counts, num_rows: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rarest entry of each caption, -1 for none, and how many captions have it."""
    rarest = np.full(num_rows, -1, np.int64)
    order = np.lexsort((found.entries, -counts[found.entries]))  # the last one written stays
    rarest[found.captions[order]] = found.entries[order]
    measured = np.where(rarest >= 0, counts[rarest], 0).astype(np.float64)
    return rarest, measured
