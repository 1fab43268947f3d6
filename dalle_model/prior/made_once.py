"""Tables that depend on sizes alone, made once a device.

They are no buffers of a module: nothing copies them to other ranks, casts them, or loses them where
a model is made on the device `meta`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import torch

Table = TypeVar("Table")


def made_once(make: Callable[..., Table], device: torch.device, *sizes: Any) -> Table:
    """What `make(*sizes)` gives where tensors are made on `device`; nobody may change it."""
    return _make(make, device, *sizes)  # type: ignore[no-any-return]


# What `torch.compiler.assume_constant_result` says too, and loads the compiler for it: 4 s of CPU
# time in each process that samples.
made_once._dynamo_marked_constant = True  # type: ignore[attr-defined]


@cache
def _make(make: Callable[..., Any], device: torch.device, *sizes: Any) -> Any:
    with torch.inference_mode(False), device:  # else training could not use what sampling made
        return make(*sizes)
