"""The state of an unfinished training run, saved next to its future checkpoint."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from dalle_model import files
from dalle_model.checkpoint import load_checkpoint, load_into, save_checkpoint
from dalle_model.train.optimizers import load_state_tensors, state_tensors

SUFFIX = ".training"
WEIGHTS, MOMENTS = "weights.", "moments."


class Resumable(Protocol):
    """What is saved and restored: a run between two steps.

    Attributes:
        step: number of the next step, from 0.
        recent: means of what was measured last.
    """

    step: int
    recent: dict[str, float]

    @property
    def optimizers(self) -> list[Optimizer]:
        """With their state."""
        ...

    @property
    def weights(self) -> nn.Module:
        """All tensors that the steps change, but for those of the optimisers."""
        ...

    @property
    def config(self) -> dict[str, Any]:
        """Sizes of the model."""
        ...


def save_state(out_url: str, kind: str, state: Resumable, origin: Mapping[str, Any]) -> None:
    """Write the state atomically.

    Args:
        out_url: URL of the future checkpoint.
        kind: of the file.
        state: of the run.
        origin: JSON by which a later run finds out whether the state is its own, and what else
            it takes to go on.
    """
    tensors = {WEIGHTS + name: value for name, value in state.weights.state_dict().items()}
    tensors |= {MOMENTS + name: value for name, value in state_tensors(state.optimizers).items()}
    reached = {"step": state.step, "recent": state.recent}
    save_checkpoint(out_url + SUFFIX, kind, tensors, state.config, {**origin, **reached})


def load_state(
    out_url: str, kind: str, state: Resumable, is_own: Callable[[Mapping[str, Any]], bool]
) -> Mapping[str, Any] | None:
    """Restore the saved state into a fresh one, if there is one of the same run.

    Args:
        out_url: URL of the future checkpoint.
        kind: of the file.
        state: is changed in place.
        is_own: whether the saved `origin`, `step` and `recent` are of this run.

    Returns:
        The saved `origin`, `step` and `recent`; None where nothing was restored.

    Raises:
        CheckpointError: the saved state is corrupt.
    """
    if not files.exists(out_url + SUFFIX):
        return None
    checkpoint = load_checkpoint(out_url + SUFFIX, kind)
    if not is_own(checkpoint.extra):
        return None
    load_into(state.weights, checkpoint, _under(WEIGHTS, checkpoint.tensors))
    load_state_tensors(state.optimizers, _under(MOMENTS, checkpoint.tensors))
    state.step, state.recent = checkpoint.extra["step"], checkpoint.extra["recent"]
    return checkpoint.extra


def clear_state(out_url: str) -> None:
    """Delete the saved state, which a finished run does not need."""
    files.remove(out_url + SUFFIX)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}
