"""What the devices that torch names can do."""

import torch

PROCESSOR = torch.device("cpu")


def multiplies_bfloat16(device: torch.device = PROCESSOR) -> bool:
    """Whether a device multiplies in bfloat16 itself; where it does not, that is slower.

    Measured: on a processor without it, encoding in bfloat16 takes six times as long as in float32.
    Of graphics cards a T4 is without it. Other devices are taken to have it.
    """
    if device.type == "cpu":
        found = torch.cpu.get_capabilities()
        return any(found.get(name) for name in ("avx512_bf16", "amx_bf16"))
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return True


def low_precision(device: torch.device = PROCESSOR) -> torch.dtype:
    """bfloat16 where a device multiplies in it itself, else float32."""
    return torch.bfloat16 if multiplies_bfloat16(device) else torch.float32


def dtype_name(dtype: torch.dtype) -> str:
    """The name of a type of numbers, such as `bfloat16`."""
    return str(dtype).removeprefix("torch.")
