"""Rows of two token sets brought together: which each of them lacks, and where crops differ.

A row is named by its key and its view. Both sets are read by ranges of keys, of which some hundred
thousand rows are held, without their tokens.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.shard_sets.token_set import Rows, TokenSet, key_ranges
from dalle_model.shards import ShardError

RANGE_ROWS = 1 << 17  # of a set, held at a time; chosen: some 40 MB without tokens
SHOWN = 3  # rows that a message names; chosen: enough to look them up
NAMES = ["key", "view"]
# What decides which pixels were encoded, of columns that both sets have. The same image may be
# another one the next time that it is fetched: `sha256` tells.
PIXELS = ("crop", "flipped", "sha256")


@dataclass
class Pairing:
    """How the rows of one set stand to those of another.

    Args:
        both: rows that both have.
        only: rows that one has alone: of the first, of the second.
        shown: the first of those, as `key` or, of further views, `key view 1`.
        meets: bool `(shards of the first, shards of the second)`: which hold rows of each other.
    """

    both: int
    only: tuple[int, int]
    shown: tuple[list[str], list[str]]
    meets: npt.NDArray[np.bool_] = field(repr=False)

    @property
    def is_complete(self) -> bool:
        """Whether both have the same rows."""
        return self.only == (0, 0)


def pair(one: TokenSet, other: TokenSet) -> Pairing:
    """Compare the rows of two sets.

    Raises:
        ShardError: a row is twice in a set, or its crop differs: its tokens would not be of the
            same pixels; names the row. Or a shard cannot be read.
    """
    found = Pairing(0, (0, 0), ([], []), np.zeros((len(one.shards), len(other.shards)), np.bool_))
    compared = [name for name in PIXELS if name in one.schema.names and name in other.schema.names]
    columns = NAMES + compared
    for start, stop in key_ranges(max(one.rows, other.rows), RANGE_ROWS):
        sides = [part.between(columns, start, stop) for part in (one, other)]
        names = [names_of(side.table) for side in sides]
        for part, side in zip((one, other), names, strict=True):
            refuse_copies(part, side)
        places = pc.index_in(names[0], names[1])
        here = np.flatnonzero(places.is_valid().to_numpy(zero_copy_only=False))
        there = places.drop_null().to_numpy()
        for name in compared:
            _refuse_other_pixels(
                name, (one, other), [_rows(sides[0], here), _rows(sides[1], there)]
            )
        found.meets[sides[0].shards[here], sides[1].shards[there]] = True
        alone = (_without(names[0], here), _without(names[1], there))
        found.both += len(here)
        found.only = (found.only[0] + len(alone[0]), found.only[1] + len(alone[1]))
        for shown, some in zip(found.shown, alone, strict=True):
            shown += [told(name) for name in some.sort().to_pylist()[: SHOWN - len(shown)]]
    return found


def names_of(table: pa.Table) -> pa.Array:
    """The name of each row: its key, a space, and its view in three digits."""
    views = pc.utf8_lpad(pc.cast(table["view"], pa.string()), 3, "0")
    return pc.binary_join_element_wise(table["key"], views, " ").combine_chunks()


def told(name: str) -> str:
    """The name of a row for people, who need not hear of the first view."""
    key, _, view = name.rpartition(" ")
    return key if not int(view) else f"{key} view {int(view)}"


def refuse_copies(part: TokenSet, names: pa.Array) -> None:
    """Raise ShardError where a name stands twice."""
    if len(names) == pc.count_distinct(names).as_py():
        return
    counts = pc.value_counts(names)
    (twice,) = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").slice(0, 1)
    raise ShardError(
        f"{part.url} holds the row {told(twice.as_py())} twice, so that it cannot be told which is "
        "meant; `dalle shards merge --drop-copies` keeps one of each"
    )


def boxes(crops: pa.ChunkedArray) -> npt.NDArray[np.uint16]:
    """Crops as one array, uint16 `(rows, 4)`: left, top, right, bottom."""
    flat = crops.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(-1, 4))


def _rows(side: Rows, places: npt.NDArray[np.intp]) -> pa.Table:
    return side.table.take(pa.array(places, pa.int64()))


def _without(names: pa.Array, places: npt.NDArray[np.intp]) -> pa.Array:
    is_alone = np.ones(len(names), np.bool_)
    is_alone[places] = False
    return names.filter(pa.array(is_alone))


def _refuse_other_pixels(name: str, sets: tuple[TokenSet, TokenSet], sides: list[pa.Table]) -> None:
    differs = np.flatnonzero(_differs(name, sides[0][name], sides[1][name]))
    if not len(differs):
        return
    place = int(differs[0])
    row = told(names_of(sides[0].slice(place, 1))[0].as_py())
    values = [side[name][place].as_py() for side in sides]
    raise ShardError(
        f"row {row} does not show the same pixels in both sets: {name} is {values[0]} in "
        f"{sets[0].url} and {values[1]} in {sets[1].url}, and so for {len(differs):,} rows or "
        f"more; `dalle encode SOURCE OUT --codec CODEC --like {sets[0].url}` encodes those of one"
    )


def _differs(name: str, one: pa.ChunkedArray, other: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    if name == "crop":
        return np.asarray((boxes(one) != boxes(other)).any(axis=1))
    values = [pc.fill_null(side, False if name == "flipped" else "") for side in (one, other)]
    differ = pc.not_equal(*values)
    if name == "sha256":  # of images without one nothing can be told
        differ = pc.and_(differ, pc.and_(*(pc.not_equal(side, "") for side in values)))
    return np.asarray(differ.to_numpy())
