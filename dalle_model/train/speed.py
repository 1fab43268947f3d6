"""How fast a training is: units a second, and the share of the peak of its devices."""

from dataclasses import dataclass

import torch
from torch import distributed, nn

from dalle_model.train.devices import device_called


@dataclass(frozen=True)
class Pace:
    """What a row of a training is.

    Args:
        unit: that is counted, `tokens` or `images`.
        per_row: of them.
        flops: of a row, forward and backward; 0 where they are not counted.
    """

    unit: str
    per_row: int = 1
    flops: int = 0


def speed(pace: Pace, rows: int, seconds: float, peak: float | None) -> dict[str, float]:
    """Units a second, and `mfu` where operations and peak are known.

    Args:
        pace: of the training.
        rows: of all processes together.
        seconds: that they took.
        peak: operations a second of all devices together; None where it is not known.

    Source: Chowdhery et al. 2022, appendix B: MFU counts the operations of the model alone.
    """
    found = {f"{pace.unit}_per_s": rows * pace.per_row / seconds}
    if pace.flops and peak:
        found["mfu"] = rows * pace.flops / seconds / peak
    return found


def peak_of(model: nn.Module) -> float | None:
    """Of the devices that train a model, one of which it is on; None where it is not known."""
    weight = next(model.parameters())
    if weight.device.type != "cuda":
        return None
    device = device_called(torch.cuda.get_device_name(weight.device))
    return None if device is None else num_processes() * device.peak_flops


def num_processes() -> int:
    """That train together."""
    is_shared = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if is_shared else 1


def is_first() -> bool:
    """Whether this is the process, of those that train together, that writes what is seen."""
    is_shared = distributed.is_available() and distributed.is_initialized()
    return not is_shared or distributed.get_rank() == 0
