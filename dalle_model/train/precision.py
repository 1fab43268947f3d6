"""In which type of number a training multiplies."""

import torch

from dalle_model.tokenizers.devices import multiplies_bfloat16
from dalle_model.training_settings import Precision


def resolved(precision: Precision) -> Precision:
    """The type of number, without `auto`: bfloat16 where the processor multiplies in it itself."""
    if precision != "auto":
        return precision
    return "bfloat16" if multiplies_bfloat16() else "float32"


def uses_bfloat16(precision: Precision) -> bool:
    """Whether to multiply in bfloat16."""
    return resolved(precision) == "bfloat16"


def mixed_precision(precision: Precision, device: torch.device) -> torch.autocast:
    """A block in which layers multiply in bfloat16, if they shall; weights stay in float32.

    In float16 they do so in parts that say it themselves.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=uses_bfloat16(precision))
