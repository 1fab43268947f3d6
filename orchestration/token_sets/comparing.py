"""How two token sets differ: rows of one alone, and codes of the others that are not the same."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.shard_schema import IMAGE_TOKENS
from dalle_model.shard_sets.pairing import NAMES, SHOWN, boxes, names_of, refuse_copies, told
from dalle_model.shard_sets.token_set import TokenSet, key_ranges, open_set
from dalle_model.shards import difference

_RANGE_BYTES = 32 << 20  # of a set, held at a time; chosen: 16,000 rows of 1,024 codes


@dataclass
class SetDifference:
    """How two token sets differ.

    Args:
        urls: of both.
        meaning: by which fields of the footer their codes mean different things; their codes are
            not compared then.
        both: rows that both have.
        only: rows that one has alone: of the first, of the second.
        only_shown: the first keys of those.
        rows_differ: rows that both have, of which some codes differ.
        codes_differ: codes that differ.
        codes: that were compared.
        differ_shown: the first keys of rows that differ.
        crops_differ: rows that both have with crops that differ.
    """

    urls: tuple[str, str]
    meaning: list[str] = field(default_factory=list)
    both: int = 0
    only: tuple[int, int] = (0, 0)
    only_shown: tuple[list[str], list[str]] = field(default_factory=lambda: ([], []))
    rows_differ: int = 0
    codes_differ: int = 0
    codes: int = 0
    differ_shown: list[str] = field(default_factory=list)
    crops_differ: int = 0

    @property
    def is_same(self) -> bool:
        """Whether both have the same rows with the same codes and crops."""
        found = (self.rows_differ, self.crops_differ, *self.only)
        return not self.meaning and not any(found)

    def __str__(self) -> str:
        lines = [f"{'same' if self.is_same else 'both':<8} {self.both:,} rows"]
        for url, count, shown in zip(self.urls, self.only, self.only_shown, strict=True):
            if count:
                lines.append(f"only     {count:,} rows of {url}, such as {', '.join(shown)}")
        if self.meaning:
            lines.append(f"codes    not compared: {', '.join(self.meaning)} differ")
        elif self.rows_differ:
            lines.append(
                f"codes    {self.codes_differ:,} of {self.codes:,} differ, in {self.rows_differ:,} "
                f"rows, such as {', '.join(self.differ_shown)}"
            )
        if self.crops_differ:
            lines.append(f"crops    differ in {self.crops_differ:,} rows")
        return "\n".join(lines)


def compare_sets(url: str, other_url: str) -> SetDifference:
    """Compare two sets by key and view, some thousand rows at a time.

    Raises:
        ShardError: one cannot be read, or a row is twice in it.
    """
    sets = (open_set(url), open_set(other_url))
    found = SetDifference((url, other_url), difference(sets[0].metadata, sets[1].metadata))
    columns = [*NAMES, "crop", *([] if found.meaning else [IMAGE_TOKENS])]
    rows = max(one.rows for one in sets)
    for start, stop in key_ranges(rows, _range_rows(sets)):
        sides = [one.between(columns, start, stop).table for one in sets]
        names = [names_of(side) for side in sides]
        for one, side in zip(sets, names, strict=True):
            refuse_copies(one, side)
        order = pc.array_sort_indices(names[0])
        names[0], sides[0] = names[0].take(order), sides[0].take(order)
        _add_only(found, names)
        places = pc.index_in(names[0], names[1])
        here = sides[0].filter(places.is_valid())
        _add_common(found, here, sides[1].take(places.drop_null()))
    return found


def _range_rows(sets: tuple[TokenSet, TokenSet]) -> int:
    sizes = [one.schema.field(IMAGE_TOKENS).type for one in sets]
    most = max(kind.list_size if pa.types.is_fixed_size_list(kind) else 4096 for kind in sizes)
    return max(1, _RANGE_BYTES // (4 * most))


def _add_only(found: SetDifference, names: list[pa.Array]) -> None:
    alone = []
    for one, other in ((0, 1), (1, 0)):
        is_there = pc.is_in(names[one], names[other])
        alone.append(names[one].filter(pc.invert(is_there)).sort().to_pylist())
    found.only = (found.only[0] + len(alone[0]), found.only[1] + len(alone[1]))
    for shown, some in zip(found.only_shown, alone, strict=True):
        shown += [told(name) for name in some[: SHOWN - len(shown)]]


def _add_common(found: SetDifference, one: pa.Table, other: pa.Table) -> None:
    found.both += one.num_rows
    found.crops_differ += int((boxes(one["crop"]) != boxes(other["crop"])).any(axis=1).sum())
    if found.meaning or not one.num_rows:
        return
    differs = _codes_that_differ(one[IMAGE_TOKENS], other[IMAGE_TOKENS])
    rows = np.flatnonzero(differs)
    found.codes += pc.sum(pc.list_value_length(one[IMAGE_TOKENS])).as_py()
    found.rows_differ += len(rows)
    found.codes_differ += int(differs.sum())
    shown = names_of(one.take(pa.array(rows[: SHOWN - len(found.differ_shown)], pa.int64())))
    found.differ_shown += [told(name) for name in shown.to_pylist()]


def _codes_that_differ(one: pa.ChunkedArray, other: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """How many codes of each row differ; of rows of different lengths, all."""
    if one.type == other.type and pa.types.is_fixed_size_list(one.type):
        codes = [side.combine_chunks().flatten().to_numpy() for side in (one, other)]
        differ = (codes[0] != codes[1]).reshape(len(one), one.type.list_size)
        return np.asarray(differ.sum(axis=1))
    pairs = zip(one.to_pylist(), other.to_pylist(), strict=True)
    return np.array([_differing(*pair) for pair in pairs], np.int64)


def _differing(one: list[int], other: list[int]) -> int:
    if len(one) != len(other):
        return len(one)
    return sum(mine != its for mine, its in zip(one, other, strict=True))
