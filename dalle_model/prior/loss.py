"""The loss of the prior: cross-entropy of text and of image tokens, weighted 1 to 7."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor

# Shape letters: B batch, T text positions, I image positions, V text vocabulary, C image codes,
# N positions of a batch.

TEXT_WEIGHT = 1 / 8  # Source: Ramesh et al. 2021, section 2.2
IMAGE_WEIGHT = 7 / 8  # Source: as TEXT_WEIGHT


class StreamLoss(NamedTuple):
    """Cross-entropies in nats, each summed over its own tokens; scalars."""

    text: Tensor
    image: Tensor


def stream_loss(
    text_logits_BTV: Tensor, image_logits_BIC: Tensor, text_BT: Tensor, image_BI: Tensor
) -> StreamLoss:
    """The loss of the predictions of `Prior.forward`, before each part is divided by its tokens.

    Padding is an input but never a target (the paper does not say): where a caption ends is
    irrelevant to drawing it.
    """
    return StreamLoss(
        summed_cross_entropy(text_logits_BTV.flatten(0, 1), text_BT[:, 1:].flatten()),
        summed_cross_entropy(image_logits_BIC.flatten(0, 1), image_BI.flatten()),
    )


def summed_cross_entropy(logits_NV: Tensor, target_N: Tensor) -> Tensor:
    """The sum over all positions, but for those whose target is V; computed in float32."""
    if torch.compiler.is_compiling():  # which fuses it, and may write over nothing
        pad_id = logits_NV.shape[-1]
        return F.cross_entropy(logits_NV.float(), target_N, ignore_index=pad_id, reduction="sum")
    total: Tensor = _SummedCrossEntropy.apply(logits_NV, target_N)
    return total


class _SummedCrossEntropy(torch.autograd.Function):
    """Keeps log-probabilities alone, and makes of them their gradient where they are.

    A second backward pass through it is an error of torch.
    """

    @staticmethod
    def forward(ctx: Any, logits_NV: Tensor, target_N: Tensor) -> Tensor:
        log_p_NV = logits_NV.log_softmax(dim=-1, dtype=torch.float32)
        is_read_N1 = (target_N < logits_NV.shape[-1])[:, None]
        target_N1 = target_N[:, None].where(is_read_N1, 0)
        ctx.save_for_backward(log_p_NV, target_N1, is_read_N1)
        ctx.dtype = logits_NV.dtype
        return -log_p_NV.gather(1, target_N1).where(is_read_N1, 0).sum()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        log_p_NV, target_N1, is_read_N1 = ctx.saved_tensors
        out_NV = log_p_NV.exp_()
        out_NV.scatter_add_(1, target_N1, out_NV.new_full((1, 1), -1).expand_as(target_N1))
        return out_NV.mul_(gradient * is_read_N1).to(ctx.dtype), None
