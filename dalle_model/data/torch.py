"""What a reader gives, for a PyTorch loop: batches of tensors, and one integer to go on from."""

from collections.abc import Iterator
from typing import Any, TypedDict

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from dalle_model.data.reader import Batch, Reader, steps
from dalle_model.errors import DalleError


class State(TypedDict):
    """Where a loop is.

    Args:
        position: rows of the endless sequence that all ranks have read together.
    """

    position: int


class TokenStream(IterableDataset[Batch]):
    """The batches of one rank, in the order of a reader; to be loaded with `batch_size=None`.

    Worker processes of a `DataLoader` take turns, so that their number changes nothing. Rows are
    shared by arithmetic: each rank gives the same reader, batch and position, and its own rank.

    Args:
        reader: of rows in an order.
        batch: rows of a step, over all ranks; need not be a multiple of their number.
        rank: of this process, from 0.
        ranks: processes that share the batches.
        epochs: after so many the batches end, the last one with the rows that are left; None for no
            end, where a batch goes on in the next epoch.
    """

    def __init__(
        self,
        reader: Reader,
        batch: int,
        rank: int = 0,
        ranks: int = 1,
        epochs: int | None = None,
    ) -> None:
        if not (batch >= 1 and 0 <= rank < ranks):
            raise ValueError(f"batch {batch} must be at least 1, rank {rank} below ranks {ranks}")
        self._reader, self._batch, self._rank, self._ranks = reader, batch, rank, ranks
        self._stop = None if epochs is None else epochs * reader.order.num_rows
        self._position, self._is_own = 0, False

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        start = self._position + (0 if self._is_own else number * self._batch)
        mine = steps(start, self._batch, self._stop, self._rank, self._ranks, workers)
        for batch in self._reader.stream(mine):
            self._position = batch["next_position"] + (workers - 1) * self._batch
            self._is_own = worker is not None
            yield {name: _tensor(values) for name, values in batch.items()}

    def state_dict(self) -> State:
        """Where the next batch of this process begins, as `StatefulDataLoader` asks workers."""
        return {"position": self._position}

    def load_state_dict(self, state: State) -> None:
        """Go on from there: before there are workers all of them, in a worker that one alone."""
        self._position, self._is_own = int(state["position"]), get_worker_info() is not None


class TokenLoader:
    """A `DataLoader` over a stream that knows which of its batches the loop has had.

    Args:
        stream: of batches.
        workers: processes that read and encode ahead; 0 for none.
        options: further ones of `DataLoader`, such as `pin_memory`.

    Raises:
        ValueError: workers would be `persistent_workers`, which never see the state of the loop.
    """

    def __init__(self, stream: TokenStream, workers: int = 0, **options: Any) -> None:
        if options.get("persistent_workers"):
            raise ValueError("persistent_workers never see the state of the loop: leave them out")
        self._stream, self._position = stream, stream.state_dict()["position"]
        # A generator of its own, since a loader draws from torch's, and a loop that was taken up
        # again would draw once more than another.
        options = {"generator": torch.Generator(), **options}
        self._loader = DataLoader(stream, batch_size=None, num_workers=workers, **options)

    def __iter__(self) -> Iterator[Batch]:
        """Batches from the state on: dicts of tensors, texts as lists.

        Raises:
            ShardError: a row group is damaged, or its shard has been replaced.
        """
        self._stream.load_state_dict(self.state_dict())
        try:
            for batch in self._loader:
                self._position = batch["next_position"]
                yield batch
        except DalleError as error:
            # Of a worker, torch puts its whole traceback before what the error says.
            said = str(error).rpartition(f"{type(error).__name__}: ")[2].rstrip()
            raise type(error)(said) from error

    def state_dict(self) -> State:
        """Where the next batch begins: one integer, the same on every rank."""
        return {"position": self._position}

    def load_state_dict(self, state: State) -> None:
        """Go on from a state, of any numbers of ranks and workers, and of any batch."""
        self._position = int(state["position"])


def _tensor(values: Any) -> Any:
    return torch.from_numpy(values) if isinstance(values, np.ndarray) else values
