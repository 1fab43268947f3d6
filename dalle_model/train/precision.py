"""In which type of number a training multiplies."""

import torch

from dalle_model.tokenizers.devices import multiplies_bfloat16
from dalle_model.training_settings import Precision


def uses_bfloat16(precision: Precision) -> bool:
    """Whether to multiply in bfloat16: for `auto` where the processor does so itself."""
    return multiplies_bfloat16() if precision == "auto" else precision == "bfloat16"


def mixed_precision(precision: Precision) -> torch.autocast:
    """A block in which layers multiply in bfloat16, if they shall; weights stay in float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=uses_bfloat16(precision))
