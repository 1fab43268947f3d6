"""Captions by how likely a prior finds them, and an image under each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from dalle_model.evaluate.likelihood import (
    bits_per_token,
    caption_nats,
    image_nats,
    is_caption,
    perplexity,
    posterior,
)
from dalle_model.pixels import Rgb
from dalle_model.prior.trained import TrainedPrior
from dalle_model.tokenizers.codec import Codec

# Shape letters: K captions, T text positions, G grid side, I = G * G image positions.


@dataclass(frozen=True, eq=False)
class OfImage:
    """An image under one caption.

    Args:
        nats: log-likelihood of the image given the caption.
        bits_per_token: of the image, on average.
        perplexity: 2 to the power of that.
        share: of the caption among those that are given, if each is as likely as another before the
            image is seen.
        share_with_text: the same where each is as likely as the prior finds its text.
        grid: float64 `(G, G)`, nats of each image token; their sum is `nats`.
    """

    nats: float
    bits_per_token: float
    perplexity: float
    share: float
    share_with_text: float
    grid: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CaptionScore:
    """One caption.

    Args:
        caption: as it was given.
        tokens: that the prior reads of it.
        nats: log-probability that a caption begins with them.
        bits_per_token: of the caption, on average; NaN without tokens.
        image: what the image is under it; None where there is none.
    """

    caption: str
    tokens: int
    nats: float
    bits_per_token: float
    image: OfImage | None


def score_captions(
    trained: TrainedPrior, codec: Codec, captions: Sequence[str], image: Rgb | None = None
) -> list[CaptionScore]:
    """Score captions, and an image under each; of long captions what the prior reads.

    Args:
        trained: the prior.
        codec: the one that made its training tokens.
        captions: each once, or it would count twice in shares.
        image: uint8 `(height, width, 3)` of the codec's shape, or none.

    Returns:
        By the likelihood of the image, the highest first, and of equal ones in the order of the
        captions; without an image in their order.
    """
    config = trained.prior.config
    ids = trained.tokenizer.encode_batch(list(captions), config.text_len, config.text_vocab)
    text_KT = torch.from_numpy(ids)
    nats_K = caption_nats(trained.prior, text_KT).sum(axis=1)
    tokens_K = is_caption(text_KT, config).sum(dim=1).tolist()
    images: Sequence[OfImage | None] = [None] * len(captions)
    if image is not None:
        codes_1I = torch.from_numpy(codec.encode(image[None]).astype(np.int64))
        found_KI = image_nats(trained.prior, text_KT, codes_1I.expand(len(text_KT), -1))
        images = _of_image(found_KI.reshape(-1, config.grid, config.grid), nats_K)
    scores = [
        CaptionScore(caption, tokens, float(nats), bits_per_token(nats, tokens), one)
        for caption, tokens, nats, one in zip(captions, tokens_K, nats_K, images, strict=True)
    ]
    return sorted(scores, key=lambda score: -score.image.nats if score.image else 0.0)


def _of_image(
    grid_KGG: npt.NDArray[np.float64], caption_K: npt.NDArray[np.float64]
) -> list[OfImage]:
    nats_K, tokens = grid_KGG.sum(axis=(1, 2)), grid_KGG[0].size
    shares = zip(posterior(nats_K), posterior(nats_K, caption_K), strict=True)
    return [
        OfImage(
            nats=float(nats),
            bits_per_token=bits_per_token(nats, tokens),
            perplexity=perplexity(nats, tokens),
            share=float(share),
            share_with_text=float(share_with_text),
            grid=grid_GG,
        )
        for nats, grid_GG, (share, share_with_text) in zip(nats_K, grid_KGG, shares, strict=True)
    ]
