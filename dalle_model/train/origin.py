"""What the weights of a run depend on, and what of it may change while the run goes on.

Three kinds of settings, in all trainings: those that decide no weight; those that may change in a
run, which then goes on and says that its weights may not be those of a run that had them from its
start; and all others, with another value of which another run begins.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from dalle_model import files
from dalle_model.checkpoint import CheckpointError
from dalle_model.train.ranks import number_of_ranks
from dalle_model.training_settings import Training

_LOG = logging.getLogger(__name__)

# How often is looked, told and saved, what stays of it, and by how many readers.
_DECIDE_NOTHING = frozenset(
    {
        *("checkpoint_every", "keep", "keep_finished", "measure_every", "kmeans_iterations"),
        *("record_every", "grid_every", "trackers", "workers", "recompute"),
    }
)
# How fast the rates fall from there on, and rounding.
_MAY_CHANGE = frozenset(
    {
        *("steps", "decay_steps"),
        *("threads", "accumulation", "compile", "device", "parallel", "ranks", "torch"),
    }
)
_NAME_CHARACTERS = 16  # of a folder; chosen: 64 bits


@dataclass(frozen=True)
class Origin:
    """What the steps of a run depend on, apart from its state; by name, as JSON has it.

    Args:
        decisive: another value makes another run.
        changeable: a run goes on with another value.
    """

    decisive: dict[str, Any]
    changeable: dict[str, Any]

    @property
    def name(self) -> str:
        """A name that runs share which differ in what may change alone."""
        return files.sha256(files.json_bytes(self.decisive))[:_NAME_CHARACTERS]


def origin_of(settings: Training, sizes: dict[str, Any], rows: str, **more: Any) -> Origin:
    """Describe a run.

    Args:
        settings: of the training, of which those that decide no weight are left out.
        sizes: of the model.
        rows: digest of what is trained on.
        more: what else the steps depend on, by its name with underscores for spaces.
    """
    values = {
        **{name: v for name, v in asdict(settings).items() if name not in _DECIDE_NOTHING},
        "the sizes of the model": sizes,
        "the rows": rows,
        **{name.replace("_", " "): value for name, value in more.items()},
        "ranks": number_of_ranks(),
        "torch": torch.__version__,
    }
    values = json.loads(json.dumps(values))
    changeable = {name: values.pop(name) for name in sorted(_MAY_CHANGE & values.keys())}
    return Origin(values, changeable)


def differences(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Names of what is not equal, or on one side only, sorted."""
    names = now.keys() | before.keys()
    return sorted(n for n in names if (n in now, now.get(n)) != (n in before, before.get(n)))


def warn_of_others(origin: Origin, others: Mapping[str, tuple[int, Origin]]) -> None:
    """Say that a run begins anew beside others, and how the most similar of them differs.

    Args:
        origin: of the run that begins.
        others: by the folder of each: its steps and its origin.
    """
    found = {url: differences(origin.decisive, o.decisive) for url, (_, o) in others.items()}
    if not found:
        return
    nearest = min(found, key=lambda url: (len(found[url]), url))
    _LOG.warning(
        "training begins anew: %s is a run of %d steps with other values of %s; it stays there, "
        "and goes on where these are given back",
        *(nearest, others[nearest][0], ", ".join(found[nearest])),
    )


def check_going_on(origin: Origin, before: Origin, step: int, url: str) -> None:
    """Say what changes in a run that goes on.

    Args:
        origin: of the run from now on.
        before: of the run as it was saved.
        step: number of steps taken.
        url: of what is gone on from.

    Raises:
        CheckpointError: more steps were taken than are asked for.
    """
    now, was = origin.changeable, before.changeable
    if step > now["steps"]:
        raise CheckpointError(
            f"{url} has taken {step} steps, and the setting `steps` of the training is "
            f"{now['steps']}: give at least {step} to go on, or delete it to begin anew"
        )
    for name in differences(now, was):
        _LOG.warning(
            "training goes on from step %d with %s %s, before %s: the weights may not be bit for "
            "bit those of a run that had it from its start",
            *(step, name, now.get(name), was.get(name)),
        )
