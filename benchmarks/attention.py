"""Attention of each sparse layer against PyTorch's under the same mask, at the paper's stream."""

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor

from benchmarks.measure import Row, race, speed
from dalle_model.prior.masks import MaskKind
from dalle_model.prior.pattern import Pattern

TEXT_LEN, GRID, KERNEL, HEADS, HEAD_DIM = 256, 32, 11, 8, 64
REPEATS = 5
PEER = "peer: scaled_dot_product_attention, boolean mask"


def measure() -> list[Row]:
    """Layers per CPU-second: of each kind forward, then forward and backward."""
    torch.set_num_threads(1)
    return [row for kind in MaskKind for row in _compare(kind)]


def _compare(kind: MaskKind) -> list[Row]:
    pattern = Pattern(kind, TEXT_LEN, GRID, KERNEL)
    mask = pattern.mask_on(torch.device("cpu"))
    qkv = torch.randn(1, len(mask), 3, HEADS, HEAD_DIM, requires_grad=True)

    def masked(qkv: Tensor) -> Tensor:
        queries, keys, values = qkv.transpose(1, 3).unbind(2)
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask).transpose(1, 2)

    name = f"Attention, {kind} layer, {TEXT_LEN} + {GRID**2} positions"
    with torch.no_grad():
        farthest = (pattern.attend(qkv) - masked(qkv)).abs().max().item()
        forward = race(lambda: pattern.attend(qkv), lambda: masked(qkv), repeats=REPEATS)
    trained = race(
        lambda: _backward(pattern.attend, qkv), lambda: _backward(masked, qkv), repeats=REPEATS
    )
    return [
        speed(f"{name}, forward", "layers", PEER, 1, forward, f"{farthest:.0e} apart at most"),
        speed(f"{name}, forward and backward", "layers", PEER, 1, trained),
    ]


def _backward(attend: Callable[[Tensor], Tensor], qkv: Tensor) -> None:
    attend(qkv).sum().backward()  # type: ignore[no-untyped-call]
    qkv.grad = None
