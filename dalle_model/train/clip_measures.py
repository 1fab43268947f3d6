"""What a CLIP in training is measured by: pairs that are held out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dalle_model.clip.trained import text_ids
from dalle_model.data.image_reader import Squares
from dalle_model.evaluate.retrieval import auc, others, recall_at_1
from dalle_model.train.clip_task import normalised
from dalle_model.vocab import CaptionTokenizer

# Shape letters: N pairs, D values of a vector, T text positions.

# Pairs that are compared with each other, however large a step is, so that figures of trainings are
# of one scale. Chosen: chance of a recall is 1 in 256, and as many are held out of 4,096 images.
_GROUP = 256
_AT_ONCE = 64  # images in a part of the forward pass; chosen: of 64 px, some 30 MB
_MOST_WHILE_TRAINING = 1024  # chosen: recall to 1.5 points, in a second or two of a core


def measure_pairs(
    model: nn.Module,
    tokenizer: CaptionTokenizer,
    images: Squares,
    captions: Sequence[str],
    most: int | None = _MOST_WHILE_TRAINING,
) -> dict[str, float]:
    """How well a model tells held-out images' own captions from others.

    Args:
        model: of open_clip.
        tokenizer: of the captions.
        images: that are held out.
        captions: one of each.
        most: only the first ones; None for all.

    Returns:
        `held_out_loss`, in nats, and `held_out_recall`, of the own caption as the best, both among
        `_GROUP` pairs at most; `held_out_auc`, the probability that an own caption scores higher
        than another's; `temperature`.
    """
    taken = list(captions[:most])
    images_ND, texts_ND = embedded(model, tokenizer, images, taken)
    groups = [slice(start, start + _GROUP) for start in range(0, len(taken), _GROUP)]
    scale = float(_any(model).logit_scale.detach().exp())
    losses = [_loss(images_ND[g], texts_ND[g], scale) * len(texts_ND[g]) for g in groups]
    recalls = [
        recall_at_1(images_ND[g].numpy(), texts_ND[g].numpy(), taken[g]) * len(taken[g])
        for g in groups
    ]
    own, other = scores_of(images_ND, texts_ND, taken)
    return {
        "held_out_loss": sum(losses) / len(taken),
        "held_out_recall": sum(recalls) / len(taken),
        "held_out_auc": auc(own, other),
        "temperature": 1 / scale,
    }


def scores_of(
    images_ND: Tensor, texts_ND: Tensor, captions: Sequence[str]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Cosines of images with their own captions, and with the next other caption."""
    other_N = torch.from_numpy(others(captions))
    own = (images_ND * texts_ND).sum(1).numpy()
    return own, (images_ND * texts_ND[other_N]).sum(1).numpy()


@torch.inference_mode()
def embedded(
    model: nn.Module, tokenizer: CaptionTokenizer, images: Squares, captions: Sequence[str]
) -> tuple[Tensor, Tensor]:
    """Vectors of images and of their captions, float32 `(N, D)` of length 1, on the CPU."""
    clip, device = _any(model), next(model.parameters()).device
    inputs = (normalised(torch.from_numpy(p)) for p in images.parts(_AT_ONCE, len(captions)))
    of_images = [clip.encode_image(x.to(device), normalize=True).cpu() for x in inputs]
    ids_NT = text_ids(tokenizer, list(captions), clip.context_length)
    of_texts = [clip.encode_text(i.to(device), normalize=True).cpu() for i in _split(ids_NT)]
    return torch.cat(of_images).float(), torch.cat(of_texts).float()


def _loss(images_ND: Tensor, texts_ND: Tensor, scale: float) -> float:
    """The contrastive loss of some pairs, the mean in nats."""
    logits_NN = scale * images_ND @ texts_ND.T
    own_N = torch.arange(len(logits_NN))
    both = [functional.cross_entropy(logits, own_N) for logits in (logits_NN, logits_NN.T)]
    return float(torch.stack(both).mean())


def _split(ids_NT: Tensor) -> list[Tensor]:
    starts = range(0, len(ids_NT), _AT_ONCE)
    return [ids_NT[start : start + _AT_ONCE] for start in starts]


def _any(model: nn.Module) -> Any:
    return model
