"""Sparse attention on a CPU: an image token's scores with the text and with a window of the image.

Image queries are cut into blocks of G: a row of the image each or, in column layers, a column. All
queries of a block read one window of image keys: the block itself and the `reach` keys before it.
So the scores of S x S positions become S x T of text and G blocks of G x W, by one fused kernel
each; the two are one softmax, since the kernel also gives the logarithm of its denominator.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor

from dalle_model.prior.made_once import made_once
from dalle_model.prior.masks import MaskKind, column_major, image_mask

# Shape letters: B batch, T text positions, G grid side, I = G * G image positions, S = T + I stream
# positions, W = reach + G positions of a window, H heads, K channels of one head; 3 is query, key
# and value. With rows of zeros before the stream, S counts these too: all places are counted from
# the stream's end.

MASKED = -1e4  # far below any score, and finite in every float format

# What `scaled_dot_product_attention` calls on a CPU. That function hides the denominators.
fused_attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
fused_attention_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True)
class Windows:
    """Which image keys each block of image queries reads.

    Args:
        text_len: T.
        grid: G.
        reach: image keys before a block that its window holds.
        is_by_column: whether a block is a column of the image; its reach is 0.
    """

    text_len: int
    grid: int
    reach: int
    is_by_column: bool

    def queries(self, x_HS: Tensor) -> Tensor:
        """The blocks of heads x stream x anything, as a view `(G, H, G, ...)`."""
        image_HI = x_HS[:, -(self.grid**2) :]
        rows_HGG = image_HI.view(len(image_HI), self.grid, self.grid, *image_HI.shape[2:])
        return torch.movedim(rows_HGG, 2 if self.is_by_column else 1, 0)

    def keys(self, x_HSK: Tensor) -> Tensor:
        """The windows, as a view `(G, H, W, K)` in which neighbours overlap."""
        if self.is_by_column:
            return self.queries(x_HSK)
        read_HNK = x_HSK[:, -(self.grid**2 + self.reach) :]
        return read_HNK.unfold(1, self.reach + self.grid, self.grid).permute(1, 0, 3, 2)

    def text(self, x_BHSK: Tensor) -> Tensor:
        """The text's part of a stream, `(B, H, T, K)`."""
        end = x_BHSK.shape[2] - self.grid**2
        return x_BHSK[:, :, end - self.text_len : end]


def windows(kind: MaskKind, text_len: int, grid: int, kernel: int) -> Windows:
    """The smallest windows that hold all image keys which a mask allows."""
    reaches = {
        MaskKind.ROW: grid,
        MaskKind.COLUMN: 0,
        MaskKind.CONVOLUTION: kernel // 2 * (grid + 1),
    }
    return Windows(text_len, grid, reaches[kind], kind is MaskKind.COLUMN)


def window_bias(kind: MaskKind, grid: int, kernel: int) -> Tensor:
    """What is added to the scores of each block with its window, float32 `(G, 1, G, W)`."""
    reach = windows(kind, 0, grid, kernel).reach
    mask_II = image_mask(kind, grid, kernel)
    if kind is MaskKind.COLUMN:
        order_I = column_major(grid)
        mask_II = mask_II[order_I][:, order_I]
    padded_IN = F.pad(mask_II, (reach, 0))
    allowed_IGW = padded_IN.unfold(1, reach + grid, grid)
    allowed_GGGW = allowed_IGW.reshape(grid, grid, grid, reach + grid)
    allowed_GGW = allowed_GGGW.diagonal(dim1=0, dim2=2).permute(2, 0, 1)
    return torch.zeros(allowed_GGW.shape).masked_fill(~allowed_GGW, MASKED)[:, None]


def attend_in_windows(
    qkv_BS3HK: Tensor, kind: MaskKind, text_len: int, grid: int, kernel: int
) -> Tensor:
    """Attention over whole streams, `(B, S, H, K)`, at the cost of what the mask leaves.

    It is computed in float32 at least: on a CPU the fused kernel is no faster in bfloat16.
    """
    dtype = torch.promote_types(qkv_BS3HK.dtype, torch.float32)
    of = windows(kind, text_len, grid, kernel)
    bias_G1GW = made_once(window_bias, qkv_BS3HK.device, kind, grid, kernel)
    lacking = of.reach - text_len  # before the first window; else text, masked, stands there
    if lacking > 0:
        qkv_BS3HK = F.pad(qkv_BS3HK, (0, 0, 0, 0, 0, 0, lacking, 0))
    mixed_BSHK: Tensor = _Attention.apply(qkv_BS3HK.to(dtype), of, bias_G1GW.to(dtype))
    return mixed_BSHK.to(qkv_BS3HK.dtype)


class _Attention(torch.autograd.Function):
    """Two parts of one softmax, forward and backward.

    The kernel's backward makes a part's weights anew, as exp(score - denominator). Given the
    denominator of the whole it returns the part's exact share of the gradient.
    Source: Liu et al. 2023, "Ring Attention", appendix A; Dao et al. 2022, algorithm 4.
    """

    @staticmethod
    def forward(ctx: Any, qkv_BS3HK: Tensor, of: Windows, bias_G1GW: Tensor) -> Tensor:
        q_BHSK, k_BHSK, v_BHSK = _heads(qkv_BS3HK, of)
        mixed_BHSK, log_sum_BHS = fused_attention(
            q_BHSK, of.text(k_BHSK), of.text(v_BHSK), is_causal=True
        )
        for b in range(len(q_BHSK)):  # so that every operand is a view
            image_GHGK, image_log_sum_GHG = fused_attention(
                of.queries(q_BHSK[b]), of.keys(k_BHSK[b]), of.keys(v_BHSK[b]), attn_mask=bias_G1GW
            )
            log_sum_GHG = of.queries(log_sum_BHS[b])
            share_GHG = (image_log_sum_GHG - log_sum_GHG).sigmoid_()
            of.queries(mixed_BHSK[b]).lerp_(image_GHGK, share_GHG.to(image_GHGK.dtype)[..., None])
            log_sum_GHG.copy_(torch.logaddexp(log_sum_GHG, image_log_sum_GHG))
        ctx.save_for_backward(qkv_BS3HK, bias_G1GW, mixed_BHSK, log_sum_BHS)
        ctx.of = of
        mixed_BSHK: Tensor = mixed_BHSK.transpose(1, 2)
        return mixed_BSHK

    @staticmethod
    def backward(ctx: Any, grad_BSHK: Tensor) -> tuple[Tensor, None, None]:
        qkv_BS3HK, bias_G1GW, mixed_BHSK, log_sum_BHS = ctx.saved_tensors
        of, grad_BHSK = ctx.of, grad_BSHK.transpose(1, 2)
        out_BS3HK = torch.zeros_like(qkv_BS3HK)
        q_BHSK, k_BHSK, v_BHSK = _heads(qkv_BS3HK, of)
        out_q, out_k, out_v = _heads(out_BS3HK, of)
        text_q, text_k, text_v = fused_attention_backward(
            grad_BHSK, q_BHSK, of.text(k_BHSK), of.text(v_BHSK), mixed_BHSK, log_sum_BHS, 0.0, True
        )
        out_q.copy_(text_q)
        of.text(out_k).copy_(text_k)
        of.text(out_v).copy_(text_v)
        for b in range(len(q_BHSK)):
            image_q, image_k, image_v = fused_attention_backward(
                of.queries(grad_BHSK[b]),
                of.queries(q_BHSK[b]),
                of.keys(k_BHSK[b]),
                of.keys(v_BHSK[b]),
                of.queries(mixed_BHSK[b]),
                of.queries(log_sum_BHS[b]),
                0.0,
                False,
                attn_mask=bias_G1GW,
            )
            of.queries(out_q[b]).add_(image_q)
            _add_to_keys(out_k[b], image_k, of)
            _add_to_keys(out_v[b], image_v, of)
        return out_BS3HK, None, None


def _heads(qkv_BS3HK: Tensor, of: Windows) -> tuple[Tensor, Tensor, Tensor]:
    """Queries of the stream, keys and values of all rows, as views `(B, H, S, K)`."""
    q_BHSK, k_BHSK, v_BHSK = qkv_BS3HK.transpose(1, 3).unbind(2)
    return q_BHSK[:, :, -(of.text_len + of.grid**2) :], k_BHSK, v_BHSK


def _add_to_keys(to_HSK: Tensor, add_GHWK: Tensor, of: Windows) -> None:
    """Add to windows, which overlap: G positions of each at a time, which share no memory."""
    if of.is_by_column:
        of.keys(to_HSK).add_(add_GHWK)
        return
    read_HNK = to_HSK[:, -(of.grid**2 + of.reach) :]
    for start in range(0, add_GHWK.shape[2], of.grid):
        part_GHWK = add_GHWK[:, :, start : start + of.grid]
        width = part_GHWK.shape[2]
        end = start + (of.grid - 1) * of.grid + width
        places_GHKW = read_HNK[:, start:end].unfold(1, width, of.grid).movedim(1, 0)
        places_GHKW.add_(part_GHWK.transpose(2, 3))
