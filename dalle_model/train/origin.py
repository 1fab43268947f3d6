"""Whether a saved state is of the run that is asked for: what decides its weights, as JSON."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dalle_model.checkpoint import CheckpointError
from dalle_model.train.resume import SUFFIX
from dalle_model.training_settings import Training

_LOG = logging.getLogger(__name__)
_DECIDES_NOTHING = (
    "checkpoint_every",
    "measure_every",
    "record_every",
    "grid_every",
    "trackers",
    "workers",
    "recompute",
    "kmeans_iterations",
)
# In a run: how fast the rates fall from there on, and rounding.
_MAY_CHANGE = ("steps", "decay_steps", "threads", "accumulation", "device", "parallel")


@dataclass(frozen=True)
class Origin:
    """What the steps of a run depend on, apart from its state.

    Args:
        url: of the future checkpoint, next to which states are saved; None to save nothing.
        described: by name, as JSON has it.
    """

    url: str | None
    described: dict[str, Any]

    def continues(self, saved: Mapping[str, Any]) -> bool:
        """Whether to go on from a saved state; the log says so where another run was meant.

        Raises:
            CheckpointError: it has taken more steps than are asked for.
        """
        where = f"{self.url}{SUFFIX}"
        before, step, now = saved.get("origin", {}), saved["step"], self.described
        changed = [name for name in now if before.get(name) != now[name]]
        if decisive := [name for name in changed if name not in _MAY_CHANGE]:
            _LOG.warning(
                "training begins anew: %s is a run of %d steps with other values of %s, and is "
                "replaced by the first state of this one",
                *(where, step, ", ".join(decisive)),
            )
            return False
        if step > now["steps"]:
            raise CheckpointError(
                f"{where} has taken {step} steps, and the setting `steps` of the "
                f"training is {now['steps']}: give at least {step} to go on, or delete it to "
                "begin anew"
            )
        for name in changed:
            _LOG.warning(
                "training goes on from step %d with %s %s, before %s: the weights may not be bit "
                "for bit those of a run that had them from its start",
                *(step, name, now[name], before[name]),
            )
        return True


def origin_of(
    url: str | None, settings: Training, sizes: dict[str, Any], rows: str, **more: Any
) -> Origin:
    """Describe a run.

    Args:
        url: of the future checkpoint; None to save nothing.
        settings: of the training, of which those that decide no weight are left out.
        sizes: of the model.
        rows: digest of what is trained on.
        more: what else the steps depend on, by its name with underscores for spaces.
    """
    document = {
        **{name: v for name, v in asdict(settings).items() if name not in _DECIDES_NOTHING},
        "the sizes of the model": sizes,
        "the rows": rows,
        **{name.replace("_", " "): value for name, value in more.items()},
    }
    return Origin(url, dict(json.loads(json.dumps(document))))
