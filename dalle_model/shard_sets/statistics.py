"""What the codes of a token set say of it: their use, by position too, copies, and drift.

Rows are read once, a row group at a time. Besides that there are held, whatever the number of rows,
64 MiB of counters by position, at most 128 MiB of hashes of the set and of a shard, twice 8 bytes
for each code of each codebook, and 4 KiB for each shard.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.shard_schema import TOKEN_SHAPE, ShardMetadata, companion
from dalle_model.shard_sets import drift
from dalle_model.shard_sets.code_counts import (
    Codes,
    CodeUse,
    Counts,
    PositionCounts,
    code_counts,
    use_of,
)
from dalle_model.shard_sets.drift import Drift, bins_of, drifts
from dalle_model.shard_sets.equal_codes import Copies, EqualCodes, code_hashes, image_hashes
from dalle_model.shard_sets.shard import Shard
from dalle_model.shard_sets.token_set import TokenSet
from dalle_model.shards import IMAGE_DIGITS, by_token_shape, image_tokens

_MAX_CODES = 1 << 22  # counted at once; chosen: 32 MiB as int64
_GROUP_DIGITS = slice(IMAGE_DIGITS - 2, IMAGE_DIGITS)  # of a key; a shard's number is of the first


@dataclass(frozen=True)
class CodeStatistics:
    """The codes of some rows.

    Args:
        rows: how many.
        books: the use of each codebook.
        constant: rows whose positions all hold the same codes.
        copies: images whose codes are those of another.
    """

    rows: int
    books: tuple[CodeUse, ...]
    constant: int
    copies: Copies


@dataclass(frozen=True)
class ShardStatistics:
    """A shard, and its drift; None where it cannot be told."""

    url: str
    codes: CodeStatistics
    drift: Drift | None


@dataclass(frozen=True)
class SetStatistics:
    """The codes of a set.

    Args:
        column: of the tokens.
        metadata: what they mean.
        codes: of all rows.
        counts: how often each code occurs, int64 `[codebooks, num_codes]`.
        shards: in order.
        position_entropy: bits at each position, float64 `token_shape`; None where rows have
            shapes of their own, or there is none.
        position_groups: of codes, between which those tell apart; `num_codes` where between all.
        no_drift: why no drift can be told; empty where it can.
    """

    column: str
    metadata: ShardMetadata
    codes: CodeStatistics
    counts: Counts
    shards: tuple[ShardStatistics, ...]
    position_entropy: npt.NDArray[np.float64] | None
    position_groups: int
    no_drift: str

    @property
    def alarms(self) -> list[ShardStatistics]:
        """Shards whose codes chance does not explain."""
        return [one for one in self.shards if one.drift is not None and one.drift.is_alarm]


class _Tally:
    """What is counted of some rows."""

    def __init__(self, metadata: ShardMetadata) -> None:
        self._num_codes = metadata.num_codes
        self.rows, self.constant = 0, 0
        self.counts: Counts = np.zeros((metadata.codebooks, metadata.num_codes), np.int64)
        self.equal = EqualCodes()

    def add(self, codes: Codes, images: npt.NDArray[np.uint64]) -> None:
        """Count some rows of one shape."""
        self.rows += len(codes)
        self.constant += int((codes == codes[:, :1]).all(axis=(1, 2)).sum())
        self.counts += code_counts(codes, self._num_codes)
        self.equal.add(code_hashes(codes.reshape(len(codes), -1)), images)

    def merge(self, other: "_Tally") -> None:
        """Count all that another has counted."""
        self.rows += other.rows
        self.constant += other.constant
        self.counts += other.counts
        self.equal.merge(other.equal)

    def statistics(self) -> CodeStatistics:
        """What was counted."""
        books = tuple(use_of(counts) for counts in self.counts)
        return CodeStatistics(self.rows, books, self.constant, self.equal.copies())


def set_statistics(
    found: TokenSet, column: str, step: Callable[[int, int], None] = lambda done, number: None
) -> SetStatistics:
    """Measure a set.

    Args:
        found: the set.
        column: of the tokens, one of `found.metadata.tokens`.
        step: is told of each shard done: its number from 1, and that of all.

    Raises:
        ShardError: a shard is gone or damaged.
    """
    metadata = found.metadata.tokens[column]
    positions = None
    if metadata.token_shape is not None:
        positions = PositionCounts(metadata.num_tokens, metadata.codebooks, metadata.num_codes)
    total, measured = _Tally(metadata), []
    bins = np.zeros((len(found.shards), drift.BINS), np.uint32)
    groups: Counts = np.zeros((drift.GROUPS, drift.BINS), np.int64)
    for number, shard in enumerate(found.shards):
        tally = _Tally(metadata)
        for codes, keys in _blocks(shard, column, metadata):
            tally.add(codes, image_hashes(keys))
            if positions is not None:
                positions.add(codes)
            bins[number] += _add_to_groups(groups, codes, keys, metadata.num_codes).astype(
                np.uint32
            )
        measured.append(tally.statistics())
        total.merge(tally)
        step(number + 1, len(found.shards))
    entropy = None
    if positions is not None and total.rows:
        entropy = positions.entropies().reshape(metadata.token_shape)
    why = _no_drift(total.equal.images_held(), measured)
    apart = [None] * len(measured) if why else drifts(bins.astype(np.int64), groups)
    urls = [shard.url for shard in found.shards]
    return SetStatistics(
        column=column,
        metadata=metadata,
        codes=total.statistics(),
        counts=total.counts,
        shards=tuple(map(ShardStatistics, urls, measured, apart)),
        position_entropy=entropy,
        position_groups=positions.groups if positions is not None else 0,
        no_drift=why,
    )


def _no_drift(images: int, shards: Sequence[CodeStatistics]) -> str:
    if sum(one.rows > 0 for one in shards) < 2:
        return "there is no other shard to compare with"
    if images < drift.MIN_IMAGES:
        return f"{images:,} images are too few, {drift.MIN_IMAGES:,} are needed"
    return ""


def _blocks(
    shard: Shard, column: str, metadata: ShardMetadata
) -> Iterator[tuple[Codes, npt.NDArray[np.bytes_]]]:
    """Rows of one shape: their codes, `[rows, positions, codebooks]`, and keys of their images."""
    shape = companion(column, TOKEN_SHAPE)
    own_shapes = metadata.token_shape is None
    for table in shard.tables(["key", column, *([shape] if own_shapes else [])]):
        for part in by_token_shape(table, shape).values() if own_shapes else [table]:
            codes = image_tokens(part, metadata.codebooks, column)
            if not len(codes):
                continue
            codes = codes.reshape(len(codes), -1, metadata.codebooks)
            keys = _image_keys(part["key"])
            rows = max(1, _MAX_CODES // max(1, codes[:1].size))
            for at in range(0, len(codes), rows):
                yield codes[at : at + rows], keys[at : at + rows]


def _image_keys(keys: pa.ChunkedArray) -> npt.NDArray[np.bytes_]:
    """The part of each key that identifies the image, `S24`; a shorter one has spaces behind it."""
    padded = pc.binary_join_element_wise(keys.cast(pa.binary()), b" " * IMAGE_DIGITS, b"")
    parts = pc.binary_slice(padded, 0, IMAGE_DIGITS).cast(pa.binary(IMAGE_DIGITS))
    found = parts.combine_chunks()
    return np.frombuffer(found.buffers()[1], f"S{IMAGE_DIGITS}", len(found))


def _add_to_groups(
    groups: Counts, codes: Codes, keys: npt.NDArray[np.bytes_], num_codes: int
) -> Counts:
    """Count codes in the random groups of their images; by bin, those of all groups together."""
    letters = keys.view(np.uint8).reshape(len(keys), IMAGE_DIGITS)[:, _GROUP_DIGITS]
    digits = (letters & 15) + 9 * (letters >> 6)  # of hexadecimal
    numbers = digits.astype(np.int64) @ np.array([16, 1])
    places = bins_of(codes, num_codes) + numbers[:, None] % drift.GROUPS * drift.BINS
    counts = np.bincount(places.reshape(-1), minlength=groups.size).reshape(groups.shape)
    groups += counts
    return np.asarray(counts.sum(axis=0))
