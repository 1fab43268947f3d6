"""What a model brings to the one training loop: its objective, its optimisers, what it measures."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

from torch import nn
from torch.optim import Optimizer

from dalle_model.data.reader import Batch


class Task(Protocol):
    """A model, and how it is trained.

    The loss of a step is the sum, over its parts, of weight times sum divided by count. The sums
    are of the rows that a process has at the moment, the counts of all rows of the step, so that
    neither the number of processes nor that of the parts of a batch changes what is lowered.

    Attributes:
        kind: of its saved state, such as `prior-training`.
        objective: has the model, and all other tensors that steps change but for the optimisers'.
            It takes what `inputs` returns to the sum of each part. All of the forward pass is in
            it, so that it alone is wrapped where processes share the work.
        optimizers: each group with its full learning rate as `peak`.
        rate_settings: names of the settings to lower where training diverges, for the error.
    """

    kind: str
    objective: nn.Module
    optimizers: list[Optimizer]
    rate_settings: str

    @property
    def model(self) -> nn.Module:
        """What is trained; the weights that are kept in the end are of its shape."""

    @property
    def config(self) -> dict[str, Any]:
        """Sizes of the model."""

    def inputs(self, batch: Batch, step: int) -> tuple[Any, ...]:
        """What the objective takes of a batch, with the random numbers of its rows in the step."""

    def counts(self, batch: Batch) -> Mapping[str, int]:
        """Of each part, how many values its sum has."""

    def weights(self, step: int) -> Mapping[str, float]:
        """Of each part, in the loss of a step."""

    def rate_share(self, step: int) -> float:
        """Share of the full learning rate at a step."""

    def unscale(self) -> Sequence[str]:
        """Bring gradients that were scaled to their own size, before they are looked at.

        Returns:
            What overflowed by being scaled, in words; if anything did, no update is taken. The
            same in every process.
        """

    def after_step(self, step: int) -> None:
        """Change what no gradient changes, after the optimisers."""

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """Figures of what is held out, of the model or of its averaged weights; maybe none.

        By `held_out_loss`, if it is among them, the best checkpoint is known.
        """

    def measured(self, figures: Mapping[str, float]) -> None:
        """Take note of what was measured when it was due, for the rates of the next steps."""


class Batches(Protocol):
    """Batches of rows, from a position on; `dalle_model.data.torch.TokenLoader` is one.

    A batch is a dict of columns, tensors or lists, with `key`, `row` and `epoch` of each row and
    the `next_position` of the batch after it.
    """

    def __iter__(self) -> Iterator[Batch]:
        """Batches without end."""

    def load_state_dict(self, state: Any) -> None:
        """Begin at `{"position": rows}` of the endless sequence."""


def parts(batch: Batch, number: int) -> Sequence[Batch]:
    """A batch in so many parts, which need not divide it; fewer where it has fewer rows."""
    rows = len(batch["key"])
    ends = [rows * n // number for n in range(number + 1)]
    return [
        {k: v[start:end] if k != "next_position" else v for k, v in batch.items()}
        for start, end in pairwise(ends)
        if end > start
    ]
