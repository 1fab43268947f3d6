"""Which rows are read, and how often, without writing shards anew: an index made once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.data.permutation import Integers
from dalle_model.data.row_groups import Columns
from dalle_model.errors import UsageError
from dalle_model.shards import IMAGE_DIGITS

_COMPARISONS = {
    "==": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_KEY_DIGITS = 40  # Source: docs/token-shards.md
_NIBBLES = np.zeros(256, np.int64)
_NIBBLES[list(b"0123456789abcdef")] = np.arange(16)


class ChoiceError(UsageError):
    """Rows cannot be chosen so: why, and what there is to choose by."""


@dataclass(frozen=True)
class Choice:
    """Which rows are read.

    Args:
        where: conditions that must all hold: a column, one of `==`, `!=`, `<`, `<=`, `>`, `>=`, and
            a value. None holds where a row has no value.
        weights: how often an epoch has the rows of each `source`, 1 where it is not named. Of 2.25,
            each row twice and one in four thrice; which, its key tells.
        held_out: the share of images that are held out, in [0, 1]; an image's key alone tells, so
            all its captions go together, and images added later move no other.
        part: the rows that are not held out, those that are, or all.
    """

    where: Sequence[tuple[str, str, Any]] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    held_out: float = 0.0
    part: Literal["kept", "held_out", "all"] = "kept"

    def __post_init__(self) -> None:
        unknown = [sign for _, sign, _ in self.where if sign not in _COMPARISONS]
        if unknown:
            raise ChoiceError(f"no comparison {unknown[0]!r}; there are {', '.join(_COMPARISONS)}")
        if not all(weight >= 0 for weight in self.weights.values()):
            raise ChoiceError(f"weights must not be negative: {dict(self.weights)}")
        if not 0 <= self.held_out <= 1:
            raise ChoiceError(f"held_out is a share, 0 to 1, not {self.held_out}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of those that it looks at."""
        names = [name for name, _, _ in self.where]
        names += ["source"] if self.weights else []
        names += ["key"] if self.weights or self.held_out else []
        return tuple(dict.fromkeys(names))


class Chosen(Protocol):
    """Rows that are read, by their numbers among them."""

    @property
    def group_rows(self) -> Integers:
        """How many of each row group, int64."""
        ...

    def rows(self, indices: Integers) -> Integers:
        """Rows of the shards, int64."""
        ...


class AllRows:
    """Every row of the shards, once."""

    def __init__(self, group_rows: Integers) -> None:
        self.group_rows = group_rows

    def rows(self, indices: Integers) -> Integers:
        return indices


class SomeRows:
    """Rows in order, each as often as it is given, in two or four bytes each.

    Args:
        group_rows: rows of each row group.
        chosen: of each row group, the numbers of its rows, ascending.
    """

    def __init__(self, group_rows: Integers, chosen: Sequence[Integers]) -> None:
        self.group_rows = np.array([len(rows) for rows in chosen], np.int64)
        self._ends = np.cumsum(self.group_rows)
        self._starts = np.cumsum(group_rows) - group_rows
        kind = np.uint16 if group_rows.max(initial=0) <= 1 << 16 else np.uint32
        self._within: npt.NDArray[Any] = np.concatenate([np.asarray(r, kind) for r in chosen])

    @property
    def num_bytes(self) -> int:
        """Of the rows' numbers."""
        return self._within.nbytes

    def rows(self, indices: Integers) -> Integers:
        groups = np.searchsorted(self._ends, indices, "right")
        return np.asarray(self._starts[groups] + self._within[indices])


def choose(group_rows: Integers, groups: Iterator[Columns], choice: Choice) -> SomeRows:
    """Apply a choice to every row group.

    Args:
        group_rows: rows of each.
        groups: of each, the columns that the choice looks at.
        choice: what to apply.

    Raises:
        ChoiceError: a column cannot be compared, or a source that has a weight has no row.
    """
    sources: set[str] = set()
    chosen = []
    for size, columns in zip(group_rows, groups, strict=True):
        copies = np.ones(size, np.int64)
        for name, sign, value in choice.where:
            copies *= _holds(columns[name], name, sign, value)
        if choice.weights:
            sources |= set(columns["source"].unique().to_pylist())
            copies *= _copies(columns, choice.weights)
        if choice.held_out and choice.part != "all":
            is_held_out = _fraction(columns["key"], IMAGE_DIGITS) >= 1 - choice.held_out
            copies *= is_held_out if choice.part == "held_out" else ~is_held_out
        chosen.append(np.repeat(np.arange(size), copies))
    if missing := choice.weights.keys() - sources:
        raise ChoiceError(f"no row has the source {min(missing)!r}; there are {sorted(sources)}")
    return SomeRows(group_rows, chosen)


def only(group_rows: Integers, rows: npt.ArrayLike) -> SomeRows:
    """Rows that are given by their numbers in the shards, ascending."""
    rows_ = np.asarray(rows, np.int64)
    ends = np.cumsum(group_rows)
    cuts = np.searchsorted(rows_, ends[:-1], "left")
    parts = np.split(rows_, cuts)
    return SomeRows(group_rows, [p - s for p, s in zip(parts, ends - group_rows, strict=True)])


def _holds(column: Any, name: str, sign: str, value: Any) -> npt.NDArray[np.bool_]:
    values = pa.array(column, from_pandas=True)
    try:
        if pa.types.is_floating(values.type):  # else 0.3 of one width is above 0.3 of another
            value = pa.scalar(value, values.type)
        found = _COMPARISONS[sign](values, value)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ChoiceError(f"{name} {sign} {value!r} cannot be compared: {error}") from error
    return np.asarray(found.fill_null(False).to_numpy(zero_copy_only=False))


def _copies(columns: Columns, weights: Mapping[str, float]) -> Integers:
    """How often each row is read: the whole part of its weight, and once more by its key."""
    source: Any = columns["source"].dictionary_encode()
    by_source = np.array([weights.get(name, 1.0) for name in source.dictionary.to_pylist()])
    of_row = by_source[source.indices.to_numpy()]
    return np.asarray((of_row + _fraction(columns["key"], _KEY_DIGITS)).astype(np.int64))


def _fraction(keys: Any, end: int) -> npt.NDArray[np.float64]:
    """A number in [0, 1) made of the 8 digits of each key before an end, from the last one on.

    The first digits tell the shard; so each shard has its share. Held out like this is the image
    that training a codec holds out too (`dalle_model.data.image_reader`).
    """
    digits = np.frombuffer(keys.cast(pa.binary(_KEY_DIGITS)).buffers()[1], np.uint8)
    own = digits.reshape(-1, _KEY_DIGITS)[keys.offset :][: len(keys)]
    nibbles = _NIBBLES[own[:, end - 8 : end][:, ::-1]]
    return np.asarray(nibbles @ (16.0 ** -np.arange(1, 9)))
