"""Sample image tokens for captions, one position at a time, with cached keys and values."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor

from dalle_model.prior.cache import LayerCache, spread_captions
from dalle_model.prior.model import Prior

# Shape letters: M captions, T text positions, B images at once, P = 2 * B streams of which half are
# of empty captions, I image positions, C codes.

BATCH_SIZE = 16  # images at once; chosen as in `dalle_model.settings.SampleSettings`


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

    def of(self, logits_PC: Tensor) -> Tensor:
        """Guided logits `(B, C)` of those of captions and, behind them, of empty ones."""
        with_BC, without_BC = logits_PC.chunk(2)
        return without_BC + self.scale * (with_BC - without_BC)


def sample(  # noqa: PLR0913 - one for each side of a draw
    prior: Prior,
    text_tokens: Tensor,
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
    first: int = 0,
    batch_size: int = BATCH_SIZE,
    guidance: Guidance | None = None,
) -> Tensor:
    """Sample `n` images for each caption.

    An image depends on the prior, its caption, its number, the seed, the temperature, `top_k` and
    `batch_size` alone, not on what else is sampled: each caption is read by itself, and layers get
    batches of one size, since another would change the last bits of logits, and by them now and
    then a code. (Other processors and numbers of threads change them too.)

    Args:
        prior: in the precision and on the device to use for sampling.
        text_tokens: int64 `(T,)` or `(M, T)`, from `CaptionTokenizer.encode_batch`.
        n: images of each caption; the caption is read once for all of them.
        temperature: divides the logits; 1 in the paper, 0 takes the most likely code.
        top_k: sample from this many most likely codes; None for all, as in the paper.
        seed: of the uniform numbers, >= 0.
        first: number of the first image, to sample the images of a caption in several calls.
        batch_size: images at once; smaller batches are filled up to it.
        guidance: towards the caption and away from an image of any; None for none, as in the paper.

    Returns:
        int64 `(n, I)` or, for several captions, `(M * n, I)`, grouped by caption.

    Raises:
        ValueError: `n`, `top_k` or `batch_size` below 1, or a negative temperature.
    """
    if min(n, batch_size) < 1 or temperature < 0 or (top_k is not None and top_k < 1):
        raise ValueError(
            "sampling needs n >= 1, batch_size >= 1, temperature >= 0 and top_k >= 1 or none, got "
            f"n={n}, batch_size={batch_size}, temperature={temperature}, top_k={top_k}"
        )
    text_MT = text_tokens.reshape(-1, text_tokens.shape[-1])
    uniforms = draw_uniforms(text_MT, range(first, first + n), prior.config.grid**2, seed)
    caption = torch.arange(len(text_MT), device=text_MT.device).repeat_interleave(n)
    draw = _Draw(temperature, top_k, guidance)
    with torch.inference_mode():
        batches = [
            _sample_batch(prior, text_MT, caption_B, uniforms_BI, draw, batch_size)
            for caption_B, uniforms_BI in zip(
                torch.split(caption, batch_size), torch.split(uniforms, batch_size), strict=True
            )
        ]
    return torch.cat(batches)


def _sample_batch(
    prior: Prior,
    text_MT: Tensor,
    caption_B: Tensor,
    uniforms_BI: Tensor,
    draw: "_Draw",
    batch_size: int,
) -> Tensor:
    count = len(caption_B)
    if draw.guidance is not None:  # each stream once more, of the empty caption
        caption_B = torch.cat([caption_B, torch.full_like(caption_B, len(text_MT))])
        text_MT, batch_size = torch.cat([text_MT, draw.guidance.empty[None]]), 2 * batch_size
    logits_BC, caches = _read(prior, text_MT, caption_B)
    tokens: list[Tensor] = []
    for position, uniform_B in enumerate(uniforms_BI.unbind(dim=1)):
        if position > 0:
            last_B = tokens[-1].repeat(len(caption_B) // count)
            filled = F.pad(last_B, (0, batch_size - len(caption_B)))
            logits_BC = prior.step(filled, position - 1, caches)[: len(caption_B)]
        tokens.append(draw.codes(logits_BC, uniform_B))
    return torch.stack(tokens, dim=1)


@dataclass(frozen=True)
class _Draw:
    """How codes are drawn from logits."""

    temperature: float
    top_k: int | None
    guidance: Guidance | None

    def codes(self, logits_PC: Tensor, uniform_B: Tensor) -> Tensor:
        """The next code of each image, int64 `(B,)`."""
        guided_BC = logits_PC if self.guidance is None else self.guidance.of(logits_PC)
        return pick_codes(guided_BC, uniform_B, self.temperature, self.top_k)


def _read(prior: Prior, text_MT: Tensor, caption_B: Tensor) -> tuple[Tensor, list[LayerCache]]:
    """Read the captions of a batch, each once and by itself; logits `(B, C)` of the first token."""
    used_M, index_B = torch.unique(caption_B, return_inverse=True)
    read = [prior.prefill(text_MT[m : m + 1]) for m in used_M.tolist()]
    logits_BC = torch.cat([logits for logits, _ in read])[index_B]
    of_layers = zip(*(caches for _, caches in read), strict=True)
    return logits_BC, [spread_captions(caches, index_B) for caches in of_layers]


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
