"""Sample image tokens for captions, one position at a time, with cached keys and values."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dalle_model.prior.model import Prior

# Shape letters: M captions, T text positions, B = M * n images, P = 2 * B rows of which half are of
# empty captions, I image positions, C codes.


@dataclass(frozen=True)
class Guidance:
    """Logits of a caption, moved away from those of an empty one.

    Args:
        scale: 1 leaves them as they are, 0 ignores the caption.
        empty: int64 `(T,)`, the empty caption, on the device of the prior. A prior knows it from
            training with `caption_dropout`.

    Source: Ho and Salimans 2022, "Classifier-free diffusion guidance"; for logits of tokens,
    dalle-mini, `condition_scale`.
    """

    scale: float
    empty: Tensor

    def with_empty(self, text_MT: Tensor) -> Tensor:
        """The captions, and behind them as many empty ones, int64 `(2 * M, T)`."""
        return torch.cat([text_MT, self.empty.expand_as(text_MT)])

    def of(self, logits_PC: Tensor) -> Tensor:
        """Guided logits `(B, C)` of those of captions and, behind them, of empty ones."""
        with_BC, without_BC = logits_PC.chunk(2)
        return without_BC + self.scale * (with_BC - without_BC)


def sample(
    prior: Prior,
    text_tokens: Tensor,
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
    first: int = 0,
    guidance: Guidance | None = None,
) -> Tensor:
    """Sample `n` images for each caption.

    The uniform numbers behind an image depend on the seed, its caption and its number. The last
    bits of its logits depend on the size of the batch too: where such a number is that near the
    border of two codes, another batch draws another code, and with it another image. So an image
    comes again with certainty from the same captions and `n`.

    Args:
        prior: in the precision and on the device to use for sampling.
        text_tokens: int64 `(T,)` or `(M, T)`, from `CaptionTokenizer.encode_batch`.
        n: images of each caption; the caption is read once for all of them.
        temperature: divides the logits; 1 in the paper, 0 takes the most likely code.
        top_k: sample from this many most likely codes; None for all, as in the paper.
        seed: of the uniform numbers, >= 0.
        first: number of the first image, to sample the images of a caption in several calls.
        guidance: towards the caption and away from an image of any; None for none, as in the paper.

    Returns:
        int64 `(n, I)` or, for several captions, `(M * n, I)`, grouped by caption.

    Raises:
        ValueError: `n` or `top_k` below 1, or a negative temperature.
    """
    if n < 1 or temperature < 0 or (top_k is not None and top_k < 1):
        raise ValueError(
            "sampling needs n >= 1, temperature >= 0 and top_k >= 1 or none, "
            f"got n={n}, temperature={temperature}, top_k={top_k}"
        )
    text_MT = text_tokens.reshape(-1, text_tokens.shape[-1])
    uniforms_BI = draw_uniforms(text_MT, range(first, first + n), prior.config.grid**2, seed)
    tokens: list[Tensor] = []
    with torch.inference_mode():
        logits_MC, prefix = prior.prefill(
            text_MT if guidance is None else guidance.with_empty(text_MT)
        )
        logits_BC = logits_MC.repeat_interleave(n, dim=0)
        caches = [cache.repeat(n) for cache in prefix]
        for position, uniform_B in enumerate(uniforms_BI.unbind(dim=1)):
            if position > 0:
                last_B = tokens[-1] if guidance is None else tokens[-1].repeat(2)
                logits_BC = prior.step(last_B, position - 1, caches)
            guided_BC = logits_BC if guidance is None else guidance.of(logits_BC)
            tokens.append(pick_codes(guided_BC, uniform_B, temperature, top_k))
    return torch.stack(tokens, dim=1)


def draw_uniforms(text_MT: Tensor, numbers: range, positions: int, seed: int) -> Tensor:
    """Uniform numbers in [0, 1) for each image and position, float64 `(M * n, positions)`."""
    rows = [
        np.random.default_rng([seed, number, *caption]).random(positions)
        for caption in text_MT.tolist()
        for number in numbers
    ]
    return torch.from_numpy(np.stack(rows)).to(text_MT.device)


def pick_codes(
    logits_BC: Tensor, uniform_B: Tensor, temperature: float, top_k: int | None
) -> Tensor:
    """Invert the cumulative distribution: the code at which it passes `uniform_B`, int64 `(B,)`."""
    if temperature == 0:
        return logits_BC.argmax(dim=-1)
    logits_BC = logits_BC.double() / temperature  # float32 cannot resolve small probabilities
    if top_k is not None and top_k < logits_BC.shape[-1]:
        top = logits_BC.topk(top_k, dim=-1)
        logits_BC = torch.full_like(logits_BC, -torch.inf).scatter(-1, top.indices, top.values)
    cumulative_BC = logits_BC.softmax(dim=-1).cumsum(dim=-1)
    threshold_B1 = uniform_B[:, None] * cumulative_BC[:, -1:]
    return (cumulative_BC <= threshold_B1).sum(dim=-1)
