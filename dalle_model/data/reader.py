"""Batches of rows in an order, with their text encoded: all of it a function of positions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from dalle_model.data.order import Order, Place, WindowOrder, places, share
from dalle_model.data.permutation import key_of
from dalle_model.data.row_groups import Column, Columns
from dalle_model.data.source import ShardRows, TokenSource
from dalle_model.errors import UsageError

# Chosen: rows that are looked up together, over batches, of which each would cost as much by itself
AHEAD_ROWS = 1024

# columns by name; `text`, `row`, `epoch` and `next_position` beside those of the source
Batch = dict[str, Any]


class ReaderError(UsageError):
    """Rows cannot be read in an order: why, and what to change."""


class Step(NamedTuple):
    """A batch to come.

    Args:
        positions: those of one rank.
        next_position: of the batch after it, of all ranks.
    """

    positions: range
    next_position: int


class Reader(Protocol):
    """What reads batches by their positions: of token shards, or of images."""

    @property
    def order(self) -> Order:
        """In which it reads."""
        ...

    def stream(self, steps: Iterable[Step]) -> Iterator[Batch]:
        """The batches of some steps, each with its `next_position`."""
        ...


class CaptionEncoder(Protocol):
    """What turns captions into ids: the text tokenizer of a model."""

    def encode_batch(
        self,
        captions: list[str],
        text_len: int,
        pad_id: int,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> npt.NDArray[np.int64]:
        """Ids, int64 `(len(captions), text_len)`; dropout and seed are of merges of BPE."""
        ...


@dataclass(frozen=True)
class Text:
    """How captions become ids.

    Args:
        tokenizer: of the captions.
        text_len: text positions of a row, the tokens around the caption included.
        pad_id: behind shorter captions; outside the vocabulary.
        dropout: probability of skipping a possible merge.
        seed: of the skipped merges and captions, together with the epoch and the row.
        caption_dropout: probability of reading an empty caption in place of the row's.
    """

    tokenizer: CaptionEncoder
    text_len: int
    pad_id: int
    dropout: float = 0.0
    seed: int = 0
    caption_dropout: float = 0.0

    def encode(self, captions: Sequence[str], place: Place) -> npt.NDArray[np.int64]:
        """Ids, int64 `(rows, text_len)`: of a row in an epoch always the same."""
        if self.caption_dropout:
            captions = self._without_some(captions, place)
        if not self.dropout:
            return self.tokenizer.encode_batch(list(captions), self.text_len, self.pad_id)
        seeds = [
            int(key_of("merges", self.seed, epoch, row))
            for epoch, row in zip(*map(np.ndarray.tolist, place), strict=True)
        ]
        rows = [
            self.tokenizer.encode_batch([caption], self.text_len, self.pad_id, self.dropout, seed)
            for caption, seed in zip(captions, seeds, strict=True)
        ]
        return np.concatenate(rows) if rows else np.empty((0, self.text_len), np.int64)

    def _without_some(self, captions: Sequence[str], place: Place) -> list[str]:
        """The captions, of which some are empty; which, the seed, epoch and row tell."""
        limit = int(self.caption_dropout * 2**64)
        numbers = zip(*map(np.ndarray.tolist, place), strict=True)
        keys = (int(key_of("captions", self.seed, epoch, row)) for epoch, row in numbers)
        return ["" if key < limit else text for key, text in zip(keys, captions, strict=True)]


class TokenReader:
    """Rows of a source in an order.

    Args:
        source: of rows.
        order: of as many rows as the source has.
        text: how the captions are encoded; None leaves them as they are.

    Raises:
        ReaderError: the order is of another number of rows, or of more row groups at a time than
            the source holds.
    """

    def __init__(self, source: TokenSource, order: Order, text: Text | None = None) -> None:
        if order.num_rows != len(source) or not len(source):
            raise ReaderError(
                f"an order of {order.num_rows:,} rows for a source of {len(source):,}: make it of "
                "`len(source)` or `source.group_rows`, of which there must be a row"
            )
        self.source, self.order, self.text = source, order, text
        if isinstance(order, WindowOrder) and isinstance(source.rows, ShardRows):
            _refuse_small_cache(source.rows, order.window)

    def read(self, positions: npt.ArrayLike) -> Batch:
        """The rows at some positions of the endless sequence, as columns.

        Returns:
            The columns of the source, texts as lists of strings; `row` and `epoch` of each, int64;
            with `text`, int64 `(rows, text_len)`, where captions are encoded.
        """
        place = places(self.order, positions)
        return self._batch(self.source.take(place.rows), place)

    def stream(self, steps: Iterable[Step]) -> Iterator[Batch]:
        """The batches of some steps, each with its `next_position`."""
        steps = iter(steps)
        ahead = min(AHEAD_ROWS, self.order.num_rows)  # beyond an epoch nothing is looked up twice
        for first in steps:
            many = ahead // max(1, len(first.positions)) - 1
            together = [first, *islice(steps, max(0, many))]
            place = places(self.order, list(chain(*(step.positions for step in together))))
            columns, start = self.source.take(place.rows), 0
            for step in together:
                here = slice(start, start := start + len(step.positions))
                own = {name: column[here] for name, column in columns.items()}
                batch = self._batch(own, Place(*(values[here] for values in place)))
                yield batch | {"next_position": step.next_position}

    def _batch(self, columns: Columns, place: Place) -> Batch:
        batch: Batch = {name: _plain(column) for name, column in columns.items()}
        if self.text is not None:
            batch["text"] = self.text.encode(batch["caption"], place)
        return batch | {"row": place.rows, "epoch": place.epochs}


def steps(
    position: int,
    batch: int,
    stop: int | None = None,
    rank: int = 0,
    ranks: int = 1,
    every: int = 1,
) -> Iterator[Step]:
    """The batches from a position on, without end or up to a position.

    Args:
        position: of the first row of the first batch.
        batch: rows of a batch, over all ranks; the last one before `stop` may have fewer.
        stop: the position after the last one; None for no end.
        rank: whose rows, from 0.
        ranks: how many there are.
        every: takes one batch of so many, from the first one on.
    """
    for start in count(position, batch * every):
        if stop is not None and start >= stop:
            return
        size = batch if stop is None else min(batch, stop - start)
        yield Step(share(start, size, rank, ranks), start + size)


def _plain(column: Column) -> Any:
    return column if isinstance(column, np.ndarray) else column.to_pylist()


def _refuse_small_cache(rows: ShardRows, window: int) -> None:
    """Row groups that do not fit would be decoded again for every batch."""
    needed = (window + 1) * rows.largest_group_bytes()
    if needed > rows.cache_bytes:
        raise ReaderError(
            f"a window of {window} row groups takes {needed >> 20} MiB and the source holds "
            f"{rows.cache_bytes >> 20} MiB of them: give `open_source` a `cache_bytes` of "
            f"{needed:,}, or the order a smaller `window`"
        )
