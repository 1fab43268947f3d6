"""How likely a prior finds images and captions, and which caption of an image it finds likeliest.

The prior reads the caption first and then the image, so it gives p(caption) and p(image | caption).
The probability of a caption given an image is not among these: over captions that are given, and
none besides them, it follows by Bayes' rule (`posterior`).

Pairs go through the model one at a time, in one thread, so that no likelihood depends on what else
is given: of a batch, the last bits do.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dalle_model.config import PriorConfig
from dalle_model.prior.model import Prior
from dalle_model.threads import pinned_kernels

# Shape letters: N pairs, K captions of each image, T text positions, I image positions, C codes,
# V text vocabulary, P positions of one pair.

Floats64 = npt.NDArray[np.float64]


def image_nats(prior: Prior, text_NT: Tensor, image_NI: Tensor) -> Floats64:
    """Log-likelihood of each image token, given the caption and the image tokens before it.

    Args:
        prior: in the precision and on the device to use.
        text_NT: int64, from `CaptionTokenizer.encode_batch`.
        image_NI: int64 codes in raster order.

    Returns:
        float64 `(N, I)`, in nats, each at most 0; their sum is that of the image.
    """
    rows = []
    with pinned_kernels(), torch.inference_mode():
        for text_T, image_I in zip(text_NT, image_NI, strict=True):
            _, logits_1IC = prior(text_T[None], image_I[None])
            rows.append(_nats(logits_1IC[0], image_I))
    return np.array(rows, np.float64).reshape(image_NI.shape)


def caption_nats(prior: Prior, text_NT: Tensor) -> Floats64:
    """Log-likelihood of each token of captions, given those before it.

    Padding and the start of the image are no tokens of a caption: what stands there is 0. As in
    training the end of a caption is not predicted, so that the sum is the log-probability that a
    caption begins so: it falls with each further word, and is no measure across lengths.

    Args:
        prior: as of `image_nats`.
        text_NT: likewise.

    Returns:
        float64 `(N, T)`, in nats, each at most 0.
    """
    found_NT = np.zeros(text_NT.shape)
    blank_1I = text_NT.new_zeros(1, prior.config.grid**2)  # which no text token sees
    with pinned_kernels(), torch.inference_mode():
        for row_T, text_T, is_read_T in zip(
            found_NT, text_NT, is_caption(text_NT, prior.config), strict=True
        ):
            logits_1TV, _ = prior(text_T[None], blank_1I)
            row_T[is_read_T.numpy()] = _nats(logits_1TV[0, is_read_T[1:]], text_T[is_read_T])
    return found_NT


def is_caption(text_NT: Tensor, config: PriorConfig) -> Tensor:
    """Which positions hold a token of the caption: neither padding nor a start; bool `(N, T)`."""
    is_read_NT = text_NT != config.text_vocab
    is_read_NT[:, 0] = is_read_NT[:, -1] = False
    return is_read_NT.cpu()


def log_likelihoods(prior: Prior, text_NT: Tensor, image_NI: Tensor) -> Floats64:
    """Of each image under its caption, in nats: float64 `(N,)`, the sum of `image_nats`."""
    return np.asarray(image_nats(prior, text_NT, image_NI).sum(axis=1))


def likeliest(prior: Prior, text_NKT: Tensor, image_NI: Tensor) -> npt.NDArray[np.int64]:
    """Of each image, the number of the caption under which it is likeliest, int64 `(N,)`."""
    captions = text_NKT.shape[1]
    image_PI = image_NI.repeat_interleave(captions, dim=0)
    found = log_likelihoods(prior, text_NKT.flatten(0, 1), image_PI)
    return np.asarray(found.reshape(-1, captions).argmax(axis=1), np.int64)


def posterior(image_K: npt.ArrayLike, caption_K: npt.ArrayLike = 0.0) -> Floats64:
    """The probability of each of some captions given an image, if one of them is the image's.

    p(caption | image) = p(image | caption) p(caption) / the sum of the same over all K captions.

    Args:
        image_K: log-likelihoods of the image under each, in nats.
        caption_K: of the captions by themselves, in nats; by default each is as likely as another.

    Returns:
        float64 `(K,)`, whose sum is 1.
    """
    nats_K = np.asarray(image_K, np.float64) + np.asarray(caption_K, np.float64)
    weights_K = np.exp(nats_K - nats_K.max())
    return np.asarray(weights_K / weights_K.sum())


def perplexity(nats: float, tokens: int) -> float:
    """The number of equally likely tokens that would surprise as much; NaN where there is none."""
    return math.exp(-nats / tokens) if tokens else math.nan


def bits_per_token(nats: float, tokens: int) -> float:
    """Bits that a token takes on average: the base-2 logarithm of the perplexity; NaN for none."""
    return -nats / (tokens * math.log(2)) if tokens else math.nan


def _nats(logits_PC: Tensor, targets_P: Tensor) -> Floats64:
    """Log-probability of the target of each position, float64 `(P,)`."""
    log_p_PC = logits_PC.double().log_softmax(dim=-1)
    return np.asarray(log_p_PC.gather(1, targets_P[:, None])[:, 0].cpu().numpy())
