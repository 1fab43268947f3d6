"""Multi-head attention under a fixed mask, over a whole stream or one token at a time."""

import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor, nn

# Shape letters: B batch, N new positions, P positions so far, S stream positions, D model width,
# H heads, K channels of one head, A = B * H attention maps.

# Chosen: on a CPU in bfloat16, with 83 positions, plain products take a quarter of the time of
# PyTorch's fused kernel, forward and backward; long streams need the fused kernel to fit in memory.
SHORT_STREAM = 256
MASKED = -1e4  # far below any score, and finite in every float format


class KeyValueCache:
    """Keys and values of the positions that one layer has processed.

    Args:
        keys_BHSK: room for every position of the stream.
        values_BHSK: the same.
    """

    def __init__(self, keys_BHSK: Tensor, values_BHSK: Tensor) -> None:
        self.keys_BHSK, self.values_BHSK, self.length = keys_BHSK, values_BHSK, 0

    def append(self, keys_BHNK: Tensor, values_BHNK: Tensor) -> tuple[Tensor, Tensor]:
        """Add new positions; returns all keys and values so far, `(B, H, P, K)`."""
        end = self.length + keys_BHNK.shape[2]
        self.keys_BHSK[:, :, self.length : end] = keys_BHNK
        self.values_BHSK[:, :, self.length : end] = values_BHNK
        self.length = end
        return self.keys_BHSK[:, :, :end], self.values_BHSK[:, :, :end]

    def repeat(self, times: int) -> "KeyValueCache":
        """Each stream `times` times, with its copies next to each other."""
        cache = KeyValueCache(
            self.keys_BHSK.repeat_interleave(times, dim=0),
            self.values_BHSK.repeat_interleave(times, dim=0),
        )
        cache.length = self.length
        return cache


class Attention(nn.Module):
    """Attention in which position i attends to the positions that row i of the mask allows.

    Args:
        width: channels of the stream, a multiple of `heads`.
        heads: attention heads.
        mask_SS: bool, lower triangular; True where attention is allowed.
    """

    def __init__(self, width: int, heads: int, mask_SS: Tensor) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.register_buffer("mask_SS", mask_SS, persistent=False)
        self.mask_SS: Tensor

    def forward(self, x_BND: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Attend from new positions to themselves and to those in the cache."""
        B, N, D = x_BND.shape
        qkv = self.query_key_value(x_BND).view(B, N, 3, self.heads, D // self.heads)
        queries_BHNK, keys_BHPK, values_BHPK = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        if cache is not None:
            keys_BHPK, values_BHPK = cache.append(keys_BHPK, values_BHPK)
        P = keys_BHPK.shape[2]
        mask_NP = self.mask_SS[P - N : P, :P]
        attend = attend_short if P <= SHORT_STREAM else F.scaled_dot_product_attention
        mixed_BHNK = attend(queries_BHNK, keys_BHPK, values_BHPK, mask_NP)
        return self.output(mixed_BHNK.transpose(1, 2).reshape(B, N, D))  # type: ignore[no-any-return]


def attend_short(q_BHNK: Tensor, k_BHPK: Tensor, v_BHPK: Tensor, mask_NP: Tensor) -> Tensor:
    """Scaled dot-product attention as two batched products, with all scores in memory."""
    B, H, N, K = q_BHNK.shape
    bias_NP = torch.zeros_like(mask_NP, dtype=q_BHNK.dtype).masked_fill(~mask_NP, MASKED)
    scores_ANP = torch.baddbmm(
        bias_NP.expand(B * H, -1, -1),
        q_BHNK.flatten(0, 1),
        k_BHPK.flatten(0, 1).transpose(1, 2),
        alpha=K**-0.5,
    )
    weights_ANP = scores_ANP.softmax(dim=-1)
    return torch.bmm(weights_ANP, v_BHPK.flatten(0, 1)).view(B, H, N, K)
