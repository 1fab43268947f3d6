"""What the devices that torch names can do."""

import torch

PROCESSOR = torch.device("cpu")


def low_precision(device: torch.device) -> torch.dtype:
    """bfloat16; float32 on a graphics card that does not multiply in it, such as a T4."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float32
    return torch.bfloat16
