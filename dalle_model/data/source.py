"""Token shards as a sequence of rows, any of which can be read at any time.

A source is what PyTorch calls a map-style dataset and grain a random access data source.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, SupportsIndex

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.data.choice import AllRows, Choice, Chosen, SomeRows, choose, only
from dalle_model.data.index import Group, Index, read_index, refuse_text_tokenizers
from dalle_model.data.permutation import Integers
from dalle_model.data.row_groups import Column, Columns, RowGroups, gather, pick
from dalle_model.shard_schema import ShardMetadata
from dalle_model.shards import list_shards

COLUMNS = ("key", "caption", "image_tokens")
CACHE_BYTES = 192 << 20  # chosen: of the paper's 1,024 tokens, 20 row groups; a window has 16


class Rows(Protocol):
    """Rows by number: of shards, or of a cache made of them."""

    @property
    def index(self) -> Index:
        """Of the shards."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of those that are read."""
        ...

    def take(self, rows: Integers) -> Columns:
        """Some rows, in the order asked for, with repeats."""
        ...


class ShardRows:
    """Rows of shards, decoded by row group.

    Args:
        index: of the shards.
        columns: names.
        cache_bytes: of decoded row groups, which stay for rows that are asked for later.
    """

    def __init__(self, index: Index, columns: Sequence[str], cache_bytes: int) -> None:
        if "text_tokens" in columns:
            refuse_text_tokenizers(index)
        self.index, self.columns, self.cache_bytes = index, tuple(columns), cache_bytes
        self._ends = np.cumsum(index.group_rows)
        self._groups = RowGroups(self.columns, index.metadata.codebooks, cache_bytes)

    def take(self, rows: Integers) -> Columns:
        """Some rows, in the order asked for.

        Raises:
            ShardError: a row group is damaged, or its shard has been replaced.
        """
        groups = np.searchsorted(self._ends, rows, "right")
        wanted = np.unique(groups) if len(rows) else np.zeros(1, np.int64)
        self._fetch([self.index.groups[group] for group in wanted])
        places = [np.flatnonzero(groups == group) for group in wanted]
        parts = []
        for group, place in zip(wanted, places, strict=True):
            columns = self._groups.read(self.index.groups[group])
            within = rows[place] - self._ends[group] + self.index.group_rows[group]
            parts.append({name: pick(column, within) for name, column in columns.items()})
        return {name: gather([part[name] for part in parts], places) for name in self.columns}

    def each_group(self) -> Iterator[Columns]:
        """The row groups in order, none of which is held."""
        return map(self._groups.decode, self.index.groups)

    def largest_group_bytes(self) -> int:
        """Of the row group that has most rows, once it is decoded; 0 where there are no rows."""
        if not len(self.index.groups):
            return 0
        largest = self._groups.read(self.index.groups[int(np.argmax(self.index.group_rows))])
        return sum(column.nbytes for column in largest.values())

    def _fetch(self, groups: Sequence[Group]) -> None:
        """Row groups in a store come side by side: each is mostly waiting."""
        new = [group for group in groups if not self._groups.held(group)]
        if len(new) > 1 and not files.is_local(new[0].shard.url):
            shards = list({group.shard.url: group.shard for group in new}.values())
            list(at_once(self._groups.footer, shards, most_each=1))
            list(at_once(self._groups.read, new, most_each=1))


class TokenSource:
    """Rows of token shards by number, as dicts or as columns.

    Args:
        rows: where they are read.
        chosen: which of them, in which order.
    """

    def __init__(self, rows: Rows, chosen: Chosen) -> None:
        self.rows, self.chosen = rows, chosen
        self._length = int(chosen.group_rows.sum())

    @property
    def metadata(self) -> ShardMetadata:
        """What the image tokens mean."""
        return self.rows.index.metadata

    @property
    def group_rows(self) -> Integers:
        """Rows of each row group, for `WindowOrder`; int64 `(row groups,)`."""
        return self.chosen.group_rows

    @property
    def numbers(self) -> Integers:
        """Of the rows, in the shards: int64 `(length,)`, ascending."""
        return self.chosen.rows(np.arange(self._length))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]:
        return self.__getitems__([index.__index__()])[0]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self.__getitem__, range(len(self)))

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Rows as dicts: text and numbers as Python's, lists as arrays."""
        columns = self.take(indices)
        values = {name: _each(column) for name, column in columns.items()}
        return [{name: values[name][n] for name in columns} for n in range(len(indices))]

    _getitems = __getitems__  # as grain calls it

    def take(self, indices: npt.ArrayLike) -> Columns:
        """Rows as columns.

        Args:
            indices: integers, each in `[-length, length)`, in any order.

        Returns:
            By name: numbers as arrays `(rows,)`, `image_tokens` as uint16 or uint32 `(rows,
            num_tokens)`, or `(rows, num_tokens, codebooks)` of several codebooks. Text as an Arrow
            array, and so `image_tokens` where rows have token shapes of their own.

        Raises:
            IndexError: there is no such row.
            ShardError: a row group is damaged, or its shard has been replaced.
        """
        asked = np.asarray(indices, np.int64).reshape(-1)
        if asked.size and not -len(self) <= asked.min() <= asked.max() < len(self):
            raise IndexError(f"rows {asked.min()} to {asked.max()} of {len(self)}")
        return self.rows.take(self.chosen.rows(np.where(asked < 0, asked + len(self), asked)))

    def chosen_by(self, choice: Choice) -> "TokenSource":
        """The rows of the same shards that a choice takes.

        Raises:
            ChoiceError: they cannot be chosen so.
        """
        return TokenSource(self.rows, _chosen(self.rows.index, choice))

    def only(self, rows: npt.ArrayLike) -> "TokenSource":
        """This source with rows that are given by their numbers in the shards, ascending.

        A number that is given several times stands for as many rows.
        """
        return TokenSource(self.rows, only(self.rows.index.group_rows, rows))

    def __repr__(self) -> str:
        digest = self.rows.index.sha256[:12]
        return f"TokenSource({len(self)} rows of {digest}, {', '.join(self.rows.columns)})"


def open_source(
    shards: str | Sequence[str],
    columns: Sequence[str] | None = None,
    choice: Choice | None = None,
    cache_bytes: int = CACHE_BYTES,
    index: str | None = None,
) -> TokenSource:
    """Open token shards of one codec as a sequence of rows.

    Args:
        shards: URL of their folder, or the URLs of some, in the order of their rows.
        columns: names; `key`, `caption`, `image_tokens`, and `token_shape` where rows have shapes
            of their own, where none are given. What a version did not have is null.
        choice: which rows, and how often; all, once, where none is given.
        cache_bytes: of decoded row groups to hold. A window of an order should fit.
        index: URL of a file that keeps what the footers say, so that they are read once.

    Raises:
        ShardError: a shard is missing, damaged, or of another codec than the others.
        ChoiceError: the rows cannot be chosen so.
    """
    found = read_index(list_shards(shards) if isinstance(shards, str) else shards, index)
    has_shapes = found.metadata.token_shape is None
    names = columns or (*COLUMNS, *(["token_shape"] if has_shapes else []))
    chosen = AllRows(found.group_rows) if choice is None else _chosen(found, choice)
    return TokenSource(ShardRows(found, names, cache_bytes), chosen)


def _chosen(index: Index, choice: Choice) -> SomeRows:
    groups = RowGroups(choice.columns, index.metadata.codebooks, max_bytes=0)
    return choose(index.group_rows, at_once(groups.decode, index.groups, most_each=1), choice)


def _each(column: Column) -> Any:
    if isinstance(column, np.ndarray):
        return column if column.ndim > 1 else column.tolist()
    if pa.types.is_list(column.type):
        return [value.values.to_numpy() if value.is_valid else None for value in column]
    return column.to_pylist()
