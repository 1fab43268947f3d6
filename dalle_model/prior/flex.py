"""Sparse attention on a graphics card: FlexAttention over the blocks of scores that a mask leaves.

Image tokens of column layers are put in the order of columns, in which their mask has dense blocks:
of 100 blocks of 128 x 128 scores, 27 are left at the paper's size, and 55 in raster order.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from dalle_model.prior.made_once import made_once
from dalle_model.prior.masks import MaskKind

# Shape letters: B batch, T text positions, G grid side, I = G * G image positions, S = T + I stream
# positions, H heads, K channels of one head; 3 is query, key and value.

COMPILATION: dict[str, Any] = {"dynamic": False, "isolate_recompiles": True}

Allowed = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def attend_in_blocks(
    qkv_BS3HK: Tensor, kind: MaskKind, text_len: int, grid: int, kernel: int
) -> Tensor:
    """Attention over whole streams, `(B, S, H, K)`, at the cost of the blocks that are left."""
    mask = made_once(block_mask, qkv_BS3HK.device, kind, text_len, grid, kernel)
    if kind is MaskKind.COLUMN:
        qkv_BS3HK = transpose_image(qkv_BS3HK, grid)
    q_BHSK, k_BHSK, v_BHSK = qkv_BS3HK.transpose(1, 3).unbind(2)
    mixed_BSHK = compiled(kind)(q_BHSK, k_BHSK, v_BHSK, block_mask=mask).transpose(1, 2)
    return transpose_image(mixed_BSHK, grid) if kind is MaskKind.COLUMN else mixed_BSHK


def block_mask(kind: MaskKind, text_len: int, grid: int, kernel: int) -> BlockMask:
    """The blocks of scores to compute, the same for all streams and heads."""
    size, device = text_len + grid**2, torch.get_default_device()
    mask_mod = allowed(kind, text_len, grid, kernel)
    return create_block_mask(mask_mod, None, None, size, size, device=device)


def allowed(kind: MaskKind, text_len: int, grid: int, kernel: int) -> Allowed:
    """`stream_mask` as a function of positions, in column layers in the order of columns."""

    def is_near(query: Tensor, key: Tensor) -> Tensor:
        if kind is MaskKind.ROW:
            return query - key <= grid
        if kind is MaskKind.COLUMN:
            return query // grid == key // grid
        reach = kernel // 2
        rows_up = ((query - key + reach) // grid).clamp(max=reach)
        return query - key - rows_up * grid <= reach

    def is_allowed(_stream: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        is_read = (key < text_len) | is_near(query - text_len, key - text_len)
        return (key <= query) & is_read

    return is_allowed


def transpose_image(x_BS: Tensor, grid: int) -> Tensor:
    """Image tokens of streams `(B, S, ...)` from raster order to that of columns, or back."""
    text, image = x_BS.tensor_split([x_BS.shape[1] - grid**2], dim=1)
    rows = image.reshape(len(image), grid, grid, *image.shape[2:])
    return torch.cat([text, rows.transpose(1, 2).flatten(1, 2)], dim=1)


@cache
def compiled(kind: MaskKind) -> Callable[..., Tensor]:
    """One for each kind: all in one would recompile up to torch's limit, and then run unfused."""
    return torch.compile(flex_attention, **COMPILATION)
