"""Which positions the layers of one kind attend to, and the fastest way to do so on each device."""

from dataclasses import astuple, dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor

from dalle_model.prior.made_once import made_once
from dalle_model.prior.masks import MaskKind, stream_mask
from dalle_model.prior.windows import MASKED, attend_in_windows

# Shape letters: B batch, N new positions, P positions so far, H heads, K channels of one head,
# A = B * H attention maps; 3 is query, key and value.

# Positions up to which all scores are computed. Chosen: on a CPU (Zen 3, float32, forward and
# backward, 4 heads of 64), windows take 1.5 times as long at 16 + 64 positions, as long at
# 32 + 100, and half as long at 64 + 256.
SHORT_STREAM = 160
# Chosen: on a CPU in bfloat16, with 83 positions, plain products take a quarter of the time of
# PyTorch's fused kernel, forward and backward; in float32 they take longer.
PLAIN_PRODUCTS = 256


@dataclass(frozen=True)
class Pattern:
    """The sparse attention of the layers of one kind.

    Args:
        kind: of the mask.
        text_len: text positions.
        grid: image tokens along one edge.
        kernel: edge of the convolution's window, in tokens; odd.
    """

    kind: MaskKind
    text_len: int
    grid: int
    kernel: int

    def attend(self, qkv_BN3HK: Tensor) -> Tensor:
        """Mix the values of the first N positions of a stream, `(B, N, H, K)`."""
        N, device = qkv_BN3HK.shape[1], qkv_BN3HK.device
        if N > SHORT_STREAM and self.text_len + self.grid**2 == N:
            if device.type == "cpu":
                if torch.compiler.is_compiling():
                    from dalle_model.prior import uncompiled  # 4 s, which others can do without

                    return uncompiled.attend_in_windows(qkv_BN3HK, *astuple(self))
                return attend_in_windows(qkv_BN3HK, *astuple(self))
            if device.type == "cuda":
                from dalle_model.prior import flex  # half a second, which CPUs can do without

                return flex.attend_in_blocks(qkv_BN3HK, *astuple(self))
        q_BHNK, k_BHNK, v_BHNK = qkv_BN3HK.transpose(1, 3).unbind(2)
        mixed_BHNK = attend_masked(q_BHNK, k_BHNK, v_BHNK, self.mask_on(device)[:N, :N])
        return mixed_BHNK.transpose(1, 2)

    def mask_on(self, device: torch.device) -> Tensor:
        """Which positions (columns) each position (row) attends to, bool `(S, S)`."""
        mask_SS: Tensor = made_once(stream_mask, device, *astuple(self))
        return mask_SS


def attend_masked(q_BHNK: Tensor, k_BHPK: Tensor, v_BHPK: Tensor, mask_NP: Tensor) -> Tensor:
    """Scaled dot-product attention that computes masked scores too."""
    is_short = k_BHPK.shape[2] <= PLAIN_PRODUCTS
    if is_short and q_BHNK.device.type == "cpu" and q_BHNK.dtype is torch.bfloat16:
        return attend_short(q_BHNK, k_BHPK, v_BHPK, mask_NP)
    return F.scaled_dot_product_attention(q_BHNK, k_BHPK, v_BHPK, attn_mask=mask_NP)


def attend_short(q_BHNK: Tensor, k_BHPK: Tensor, v_BHPK: Tensor, mask_NP: Tensor) -> Tensor:
    """The same as two batched products, with all scores in memory."""
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
