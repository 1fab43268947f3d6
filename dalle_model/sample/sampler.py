"""Draw image tokens for captions, one position after another, with cached keys and values."""

import torch
from torch import Tensor

from dalle_model.prior.model import Prior

# Shape letters: M captions, T text positions, B = M * n pictures, I image positions, C codes.


def sample(
    prior: Prior,
    text_tokens: Tensor,
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
) -> Tensor:
    """Draw `n` pictures for each caption; one seed gives one result on one build of PyTorch.

    Args:
        prior: in the precision and on the device to sample with.
        text_tokens: int64 `(T,)` or `(M, T)`, from `CaptionTokenizer.encode_batch`.
        n: pictures of each caption; the caption is read once for all of them.
        temperature: divides the logits; 1 in the paper, 0 takes the likeliest code.
        top_k: draw among that many likeliest codes; None for all, as in the paper.
        seed: of the draws.

    Returns:
        int64 `(n, I)` or, for several captions, `(M * n, I)` with a caption's pictures in a row.

    Raises:
        ValueError: `n` or `top_k` below 1, or a negative temperature.
    """
    if n < 1 or temperature < 0 or (top_k is not None and top_k < 1):
        raise ValueError(
            "sampling needs n >= 1, temperature >= 0 and top_k >= 1 or none, "
            f"got n={n}, temperature={temperature}, top_k={top_k}"
        )
    draw = torch.Generator(device=text_tokens.device).manual_seed(seed)
    tokens: list[Tensor] = []
    with torch.inference_mode():
        logits_MC, prefix = prior.prefill(text_tokens.reshape(-1, text_tokens.shape[-1]))
        logits_BC = logits_MC.repeat_interleave(n, dim=0)
        caches = [cache.repeat(n) for cache in prefix]
        for position in range(prior.config.grid**2):
            if position > 0:
                logits_BC = prior.step(tokens[-1], position - 1, caches)
            tokens.append(draw_codes(logits_BC, temperature, top_k, draw))
    return torch.stack(tokens, dim=1)


def draw_codes(
    logits_BC: Tensor, temperature: float, top_k: int | None, draw: torch.Generator
) -> Tensor:
    """One code from each row of logits, int64 `(B,)`."""
    if temperature == 0:
        return logits_BC.argmax(dim=-1)
    logits_BC = logits_BC.float() / temperature
    if top_k is not None and top_k < logits_BC.shape[-1]:
        likeliest = logits_BC.topk(top_k, dim=-1)
        logits_BC = torch.full_like(logits_BC, -torch.inf).scatter(
            -1, likeliest.indices, likeliest.values
        )
    return torch.multinomial(logits_BC.softmax(dim=-1), 1, generator=draw)[:, 0]
