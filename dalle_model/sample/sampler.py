"""Sample image tokens for captions, one position at a time, with cached keys and values."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor

from dalle_model.config import PriorConfig
from dalle_model.prior.cache import LayerCache, spread_captions
from dalle_model.prior.model import Prior

# Shape letters: M captions, T text positions, B images at once, P = 2 * B streams of which half are
# of empty captions, I image positions, C codes.

LAYER_BATCH = 16  # streams that layers get at once; chosen as in `SampleSettings.batch_size`


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


@dataclass(frozen=True)
class Given:
    """Codes of an image that are not sampled, such as those of its upper rows.

    Args:
        codes: int64 `(I,)` of the whole image, on the device of the prior; those that are not kept
            are not read.
        is_kept: bool `(I,)`, which of them are given.
    """

    codes: Tensor
    is_kept: Tensor

    def num_unseen(self) -> int:
        """How many are given behind one that is sampled, which does not see them."""
        sampled = (~self.is_kept).nonzero()
        return int(self.is_kept[int(sampled[0]) :].sum()) if len(sampled) else 0


def sample(  # noqa: PLR0913 - one for each side of a draw
    prior: Prior,
    text_tokens: Tensor,
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
    first: int = 0,
    batch_size: int = LAYER_BATCH,
    guidance: Guidance | None = None,
    *,
    top_p: float = 1.0,
    given: Given | None = None,
) -> Tensor:
    """Sample `n` images for each caption.

    An image depends on the prior, its caption, its number, the seed and on how codes are picked,
    not on `n`, `first`, `batch_size` or what else is sampled: each caption is read by itself, and
    layers get batches of one size, since another would change the last bits of logits, and by them
    now and then a code. (Other processors and numbers of threads change them too.)

    Codes that are given are read like sampled ones, in the order of the prior. Where they come
    before all that are sampled, such as the upper rows, the others are drawn from the prior's own
    distribution of what follows them. Where some come later, such as the right half, those sampled
    before these do not see them: a model of one direction has no other way.

    Args:
        prior: in the precision and on the device to use for sampling.
        text_tokens: int64 `(T,)` or `(M, T)`, from `CaptionTokenizer.encode_batch`.
        n: images of each caption; the caption is read once for all of them.
        temperature: divides the logits; 1 in the paper, 0 takes the most likely code.
        top_k: sample from this many most likely codes; None for all, as in the paper.
        seed: of the uniform numbers, >= 0. Where codes are given, the numbers of the others stay.
        first: number of the first image, to sample the images of a caption in several calls.
        batch_size: images whose keys and values are in memory at once, at most `LAYER_BATCH`.
        guidance: towards the caption and away from an image of any; None for none, as in the paper.
        top_p: sample from the fewest likeliest codes whose shares, after temperature and `top_k`,
            sum to this at least; 1 for all, as in the paper.
        given: codes that are not sampled.

    Returns:
        int64 `(n, I)` or, for several captions, `(M * n, I)`, grouped by caption.

    Raises:
        ValueError: an argument is out of range, or codes are given that are not the prior's.
    """
    draw = _Draw(temperature, top_k, top_p, guidance)
    _check(n, seed, first, batch_size, draw)
    text_MT = text_tokens.reshape(-1, text_tokens.shape[-1])
    _check_given(given, prior.config)
    uniforms = draw_uniforms(text_MT, range(first, first + n), prior.config.grid**2, seed)
    caption = torch.arange(len(text_MT), device=text_MT.device).repeat_interleave(n)
    at_once = min(batch_size, LAYER_BATCH)
    with torch.inference_mode():
        batches = [
            _sample_batch(prior, text_MT, caption_B, uniforms_BI, draw, given)
            for caption_B, uniforms_BI in zip(
                torch.split(caption, at_once), torch.split(uniforms, at_once), strict=True
            )
        ]
    return torch.cat(batches)


def _check(n: int, seed: int, first: int, batch_size: int, draw: "_Draw") -> None:
    is_cut_well = (draw.top_k is None or draw.top_k >= 1) and 0 < draw.top_p <= 1
    if min(n, batch_size) < 1 or min(seed, first, draw.temperature) < 0 or not is_cut_well:
        raise ValueError(
            "sampling needs n >= 1, batch_size >= 1, temperature >= 0, top_k >= 1 or none, "
            f"0 < top_p <= 1, seed >= 0 and first >= 0, got n={n}, batch_size={batch_size}, "
            f"temperature={draw.temperature}, top_k={draw.top_k}, top_p={draw.top_p}, "
            f"seed={seed}, first={first}"
        )


def _check_given(given: Given | None, config: PriorConfig) -> None:
    if given is None:
        return
    shape = (config.grid**2,)
    if given.codes.shape != shape or given.is_kept.shape != shape:
        raise ValueError(
            f"given codes are {tuple(given.codes.shape)}, and which are kept is "
            f"{tuple(given.is_kept.shape)}; an image of the prior has {shape}"
        )
    kept = given.codes[given.is_kept]
    if len(kept) and not 0 <= int(kept.min()) <= int(kept.max()) < config.image_vocab:
        raise ValueError(
            f"given codes are in [{int(kept.min())}, {int(kept.max())}], those of the prior are "
            f"in [0, {config.image_vocab - 1}]"
        )


def _sample_batch(
    prior: Prior,
    text_MT: Tensor,
    caption_B: Tensor,
    uniforms_BI: Tensor,
    draw: "_Draw",
    given: Given | None,
) -> Tensor:
    count, filled_to = len(caption_B), LAYER_BATCH
    if draw.guidance is not None:  # each stream once more, of the empty caption
        caption_B = torch.cat([caption_B, torch.full_like(caption_B, len(text_MT))])
        text_MT, filled_to = torch.cat([text_MT, draw.guidance.empty[None]]), 2 * LAYER_BATCH
    logits_BC, caches = _read(prior, text_MT, caption_B)
    tokens: list[Tensor] = []
    for position, uniform_B in enumerate(uniforms_BI.unbind(dim=1)):
        if position > 0:
            last_B = tokens[-1].repeat(len(caption_B) // count)
            filled = F.pad(last_B, (0, filled_to - len(caption_B)))
            logits_BC = prior.step(filled, position - 1, caches)[: len(caption_B)]
        if given is not None and given.is_kept[position]:
            tokens.append(given.codes[position].expand(count))
        else:
            tokens.append(draw.codes(logits_BC, uniform_B))
    return torch.stack(tokens, dim=1)


@dataclass(frozen=True)
class _Draw:
    """How codes are drawn from logits."""

    temperature: float
    top_k: int | None
    top_p: float
    guidance: Guidance | None

    def codes(self, logits_PC: Tensor, uniform_B: Tensor) -> Tensor:
        """The next code of each image, int64 `(B,)`."""
        guided_BC = logits_PC if self.guidance is None else self.guidance.of(logits_PC)
        return pick_codes(guided_BC, uniform_B, self.temperature, self.top_k, self.top_p)


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
    logits_BC: Tensor,
    uniform_B: Tensor,
    temperature: float,
    top_k: int | None,
    top_p: float = 1.0,
) -> Tensor:
    """Invert the cumulative distribution: the code at which it passes `uniform_B`, int64 `(B,)`."""
    if temperature == 0:
        return logits_BC.argmax(dim=-1)
    logits_BC = logits_BC.double() / temperature  # float32 cannot resolve small probabilities
    if top_p < 1 or (top_k is not None and top_k < logits_BC.shape[-1]):
        logits_BC = _likeliest(logits_BC, top_k, top_p)
    cumulative_BC = logits_BC.softmax(dim=-1).cumsum(dim=-1)
    threshold_B1 = uniform_B[:, None] * cumulative_BC[:, -1:]
    return (cumulative_BC <= threshold_B1).sum(dim=-1)


def _likeliest(logits_BC: Tensor, top_k: int | None, top_p: float) -> Tensor:
    """Logits with those left out at -inf; of equal ones the lower code is taken for likelier.

    Source of `top_p`: Holtzman et al. 2020, "The curious case of neural text degeneration", 3.1.
    """
    sorted_BC, codes_BC = logits_BC.sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        sorted_BC[:, top_k:] = -torch.inf
    shares_BC = sorted_BC.softmax(dim=-1)
    likelier_BC = F.pad(shares_BC.cumsum(dim=-1)[:, :-1], (1, 0))  # the share of those before
    kept_BC = sorted_BC.masked_fill(likelier_BC >= top_p, -torch.inf)
    return torch.empty_like(logits_BC).scatter(-1, codes_BC, kept_BC)
