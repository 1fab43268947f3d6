"""Draw image tokens for captions, one position after another, with cached keys and values."""

import numpy as np
import torch
from torch import Tensor

from dalle_model.prior.model import Prior

# Shape letters: M captions, T text positions, B = M * n images, I image positions, C codes.


def sample(
    prior: Prior,
    text_tokens: Tensor,
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
    first: int = 0,
) -> Tensor:
    """Draw `n` images for each caption.

    An image's chances hang on the seed, its caption and its number alone: other captions beside it
    or a larger `n` do not change it.

    Args:
        prior: in the precision and on the device to sample with.
        text_tokens: int64 `(T,)` or `(M, T)`, from `CaptionTokenizer.encode_batch`.
        n: images of each caption; the caption is read once for all of them.
        temperature: divides the logits; 1 in the paper, 0 takes the likeliest code.
        top_k: draw among that many likeliest codes; None for all, as in the paper.
        seed: of the draws, >= 0.
        first: number of the first image, for drawing the `n` of a caption in parts.

    Returns:
        int64 `(n, I)` or, for several captions, `(M * n, I)` with a caption's images in a row.

    Raises:
        ValueError: `n` or `top_k` below 1, or a negative temperature.
    """
    if n < 1 or temperature < 0 or (top_k is not None and top_k < 1):
        raise ValueError(
            "sampling needs n >= 1, temperature >= 0 and top_k >= 1 or none, "
            f"got n={n}, temperature={temperature}, top_k={top_k}"
        )
    text_MT = text_tokens.reshape(-1, text_tokens.shape[-1])
    chances_BI = draw_chances(text_MT, range(first, first + n), prior.config.grid**2, seed)
    tokens: list[Tensor] = []
    with torch.inference_mode():
        logits_MC, prefix = prior.prefill(text_MT)
        logits_BC = logits_MC.repeat_interleave(n, dim=0)
        caches = [cache.repeat(n) for cache in prefix]
        for position, chance_B in enumerate(chances_BI.unbind(dim=1)):
            if position > 0:
                logits_BC = prior.step(tokens[-1], position - 1, caches)
            tokens.append(pick_codes(logits_BC, chance_B, temperature, top_k))
    return torch.stack(tokens, dim=1)


def draw_chances(text_MT: Tensor, numbers: range, positions: int, seed: int) -> Tensor:
    """Uniform numbers in [0, 1) for each image and position, float64 `(M * n, positions)`."""
    rows = [
        np.random.default_rng([seed, number, *caption]).random(positions)
        for caption in text_MT.tolist()
        for number in numbers
    ]
    return torch.from_numpy(np.stack(rows)).to(text_MT.device)


def pick_codes(
    logits_BC: Tensor, chance_B: Tensor, temperature: float, top_k: int | None
) -> Tensor:
    """The code at which the cumulated probability passes the chance, int64 `(B,)`."""
    if temperature == 0:
        return logits_BC.argmax(dim=-1)
    logits_BC = logits_BC.double() / temperature  # single precision cannot hold small chances
    if top_k is not None and top_k < logits_BC.shape[-1]:
        likeliest = logits_BC.topk(top_k, dim=-1)
        logits_BC = torch.full_like(logits_BC, -torch.inf).scatter(
            -1, likeliest.indices, likeliest.values
        )
    cumulated_BC = logits_BC.softmax(dim=-1).cumsum(dim=-1)
    bar_B1 = chance_B[:, None] * cumulated_BC[:, -1:]
    return (cumulated_BC <= bar_B1).sum(dim=-1)
