"""Terms of the dVAE's bound: likelihood of pixels, KL of codes from uniform, and relaxation."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_TINY = 2**-24  # spacing of float32 uniform draws: keeps 0 and 1 away from the logarithms

# Shape letters: B batch, C colour channels (3), S side in pixels, K codes, G grid side.


def logit_laplace(x_BCSS: Tensor, mu_BCSS: Tensor, ln_b_BCSS: Tensor) -> Tensor:
    """Logit-Laplace log-density of pixels in (0, 1), one value for each subpixel.

    ln f(x | mu, b) = -ln 2b - ln x(1 - x) - |logit x - mu| / b.

    Source: Ramesh et al. 2021, appendix A.3, equation 2.
    """
    ln_x_BCSS, ln_rest_BCSS = torch.log(x_BCSS), torch.log1p(-x_BCSS)
    jacobian_BCSS = ln_x_BCSS + ln_rest_BCSS
    distance_BCSS = (ln_x_BCSS - ln_rest_BCSS - mu_BCSS).abs() * torch.exp(-ln_b_BCSS)
    return -math.log(2) - ln_b_BCSS - jacobian_BCSS - distance_BCSS


def divergence_from_uniform(logits_BKGG: Tensor) -> Tensor:
    """KL of the code distribution from the uniform prior, in nats, `(B, G, G)`: ln K - H(q)."""
    ln_q_BKGG = logits_BKGG.log_softmax(dim=1)
    return math.log(logits_BKGG.shape[1]) + (ln_q_BKGG.exp() * ln_q_BKGG).sum(dim=1)


def relax(logits_BKGG: Tensor, temperature: float, noise: Sequence[int] | None) -> Tensor:
    """A sample from the Gumbel-softmax relaxation over dimension 1, along which it sums to 1.

    Args:
        logits_BKGG: unnormalised log-probabilities of codes.
        temperature: as it approaches 0, the sample becomes one-hot.
        noise: seeds of the Gumbel noise, int64, one for each image; None for no noise. A card
            draws other numbers than a processor.

    Source: Ramesh et al. 2021, section 2.1; relaxed in the forward pass too, not straight-through.
    """
    if noise is not None:
        uniform_BKGG = torch.stack([_uniform(logits_BKGG[0], seed) for seed in noise])
        gumbel_BKGG = uniform_BKGG.clamp_(_TINY, 1 - _TINY).log_().neg_().log_().neg_()
        logits_BKGG = logits_BKGG + gumbel_BKGG
    return (logits_BKGG / temperature).softmax(dim=1)


def _uniform(like: Tensor, seed: int) -> Tensor:
    generator = torch.Generator(like.device).manual_seed(seed)
    return torch.rand(like.shape, generator=generator, device=like.device)
