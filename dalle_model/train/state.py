"""A training run between two steps: all that the next one depends on."""

import copy
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.distributed.checkpoint.state_dict import get_model_state_dict

from dalle_model.train.optimizers import named_state
from dalle_model.train.parallel import Alone, shared
from dalle_model.train.place import ALONE, Place
from dalle_model.train.task import Task
from dalle_model.training_settings import Training

SHARING = "parallel."  # before the names of what depends on how steps are shared


@dataclass
class RunState:
    """A run; a `dalle_model.train.checkpoints.Resumable`.

    Args:
        task: what is trained.
        averaged: moving average of the model's weights, or None.
        parallel: how the processes of the run share a step.
        step: number of the next step, from 0.
        position: rows that all steps have had together: where the next one begins in their order.
        recent: running means of the loss and its parts, the norm of the last gradient, and what
            was measured last.
        figures: of the last step alone; not saved.
        rows: that it had, those of all processes together; not saved.
        seconds: that it took, with the reading of its batch; not saved.
        speed: of the last steps, for whoever looks on; not saved.
        is_stopping: whether the run ends before its last step, because it was asked to.
    """

    task: Task
    averaged: nn.Module | None
    parallel: Alone
    step: int = 0
    position: int = 0
    recent: dict[str, float] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    seconds: float = 0.0
    speed: dict[str, float] = field(default_factory=dict)
    is_stopping: bool = False

    @property
    def weights(self) -> nn.Module:
        """All tensors that steps change, but for those of the optimisers."""
        return nn.ModuleDict(
            {"objective": self.task.objective}
            | ({} if self.averaged is None else {"averaged": self.averaged})
        )

    @property
    def config(self) -> dict[str, Any]:
        """Sizes of the model."""
        return self.task.config

    @property
    def trained(self) -> nn.Module:
        """The weights that are kept: the averaged ones where there are some."""
        return self.task.model if self.averaged is None else self.averaged

    def state_dict(self) -> dict[str, Any]:
        """All that the next steps depend on, by name: tensors, and JSON.

        Names are the same however the weights are shared; all processes must call this.
        """
        tensors = get_model_state_dict(self.weights)
        moments = named_state(self.weights, self.task.optimizers)
        sharing = {SHARING + name: value for name, value in self.parallel.state_dict().items()}
        reached = {"step": self.step, "position": self.position, "recent": self.recent}
        return {**tensors, **moments, **sharing, **reached}

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, once its tensors have been read in place.

        Weights and moments are the run's own, and so are there already.
        """
        self.step, self.position = values["step"], values["position"]
        self.recent = values["recent"]
        self.parallel.load_state_dict(
            {n.removeprefix(SHARING): v for n, v in values.items() if n.startswith(SHARING)}
        )


def begin(task: Task, settings: Training, place: Place = ALONE) -> RunState:
    """The state before the first step.

    Raises:
        ParallelError: the processes cannot share this training so.
    """
    averaged = copy.deepcopy(task.model).requires_grad_(False) if settings.ema_decay else None
    parallel = shared(task, averaged, settings, place)
    if settings.compile:
        task.objective.compile(dynamic=False)
    return RunState(task, averaged, parallel)
