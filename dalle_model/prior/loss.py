"""The loss of the prior: cross-entropy of text and of image tokens, weighted 1 to 7."""

from typing import NamedTuple

import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor

# Shape letters: B batch, T text positions, I image positions, V text vocabulary, C image codes.

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
    pad_id = text_logits_BTV.shape[-1]
    text = F.cross_entropy(
        text_logits_BTV.flatten(0, 1).float(),
        text_BT[:, 1:].flatten(),
        ignore_index=pad_id,
        reduction="sum",
    )
    logits = image_logits_BIC.flatten(0, 1).float()
    return StreamLoss(text, F.cross_entropy(logits, image_BI.flatten(), reduction="sum"))
