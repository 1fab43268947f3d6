"""Steps of training the VQ-VAE of patches: what they lower, and the state that they change.

The objective is that of the VQ-VAE: squared error, straight-through gradients, commitment, and a
codebook of moving averages. So it is not that of DALL-E's dVAE: neither relaxation nor noise, no
divergence from uniform codes, and a Gaussian in place of the logit-Laplace likelihood. Ours are the
start among principal components, Muon for the matrices of the blocks, and codes that are taken up
again where they die out.
"""

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from dalle_model.settings import VqTraining
from dalle_model.tokenizers.vq import PATCH_VALUES, Vq
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.train.codebook import MovingCodebook, start_from_components
from dalle_model.train.descent import average, descend, draw_batch
from dalle_model.train.optimizers import muon_and_adamw, set_learning_rate
from dalle_model.train.precision import mixed_precision, uses_bfloat16

# Shape letters: N training images, B batch, C colour channels (3), S side in pixels, G grid side,
# E channels of a vector, R = B * G * G positions.

_BETAS = (0.9, 0.99)  # chosen: gradients through a moving codebook age sooner than torch's 0.999
_WEIGHT_DECAY = 1e-4  # Source: Ramesh et al. 2021, appendix A.2
_START_PER_CODE = 64  # positions; chosen: k-means of more is hardly better
_REVIVE_EVERY = 10  # steps; chosen: moved codes are used before they are looked at again


class _Weights(nn.Module):
    """All tensors of a run but those of the optimisers."""

    def __init__(self, model: Vq) -> None:
        super().__init__()
        self.model, self.averaged = model, copy.deepcopy(model)
        self.codebook = MovingCodebook(*model.codebook.shape)


@dataclass
class TrainingState:
    """A training run between two steps; a `dalle_model.train.resume.Resumable`."""

    weights: _Weights
    optimizers: list[Optimizer]
    step: int = 0
    recent: dict[str, float] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        """Sizes of the model."""
        return self.weights.model.config.to_dict()

    def trained(self) -> Vq:
        """The model with averaged weights and the codebook of now."""
        model = copy.deepcopy(self.weights.averaged)
        model.codebook.copy_(self.weights.model.codebook)
        return model


def fresh(config: VqConfig, settings: VqTraining) -> TrainingState:
    """A state of random weights; torch's global random numbers are left untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        weights = _Weights(Vq(config))
    dtype = torch.bfloat16 if uses_bfloat16(settings.precision) else torch.float32
    rates = (settings.learning_rate, settings.matrix_rate)
    optimizers = muon_and_adamw(weights.model, "muon", *rates, _BETAS, _WEIGHT_DECAY, dtype)
    return TrainingState(weights, optimizers)


def start(state: TrainingState, settings: VqTraining, x_NCSS: Tensor) -> None:
    """Make a fresh state that of k-means among the components of images uint8 `(N, 3, S, S)`."""
    model, weights = state.weights.model, state.weights
    rows, columns = model.config.token_shape
    count = -(-_START_PER_CODE * model.config.num_codes // (rows * columns))
    drawn = draw_batch(x_NCSS, count, settings.max_shift, _noise(settings.seed, 0))
    start_from_components(model, scaled(drawn), settings.seed)
    weights.averaged.load_state_dict(model.state_dict())
    even = settings.batch_size * rows * columns / model.config.num_codes
    weights.codebook.start(model.codebook, even)


def train_step(state: TrainingState, settings: VqTraining, x_NCSS: Tensor) -> None:
    """Take one step on images uint8 `(N, 3, S, S)`; raises DivergedError as `descend`."""
    noise = _noise(settings.seed, state.step + 1)
    model, codebook = state.weights.model, state.weights.codebook
    x_BCSS = scaled(draw_batch(x_NCSS, settings.batch_size, settings.max_shift, noise))
    with mixed_precision(settings.precision):
        terms = objective(model, x_BCSS, settings.commitment)
    set_learning_rate(state.optimizers, rate_share(state.step, settings))
    descend(model, state.optimizers, terms.loss, "vq.training.learning_rate")
    codebook.update(terms.features, terms.codes, settings.codebook_decay)
    if state.step % _REVIVE_EVERY == 0 and state.step < settings.steps - settings.decay_steps:
        distances_R = (terms.features - model.codebook[terms.codes]).square().sum(1)
        codebook.revive(terms.features, distances_R, noise)
    model.codebook.copy_(codebook.vectors())
    average(state.weights.averaged, model, settings.ema_decay, state.step)
    batch_psnr = 10 * math.log10(4 / max(terms.mse.item(), 1e-12))
    state.recent |= {"loss": terms.loss.item(), "psnr": batch_psnr}
    state.step += 1


@dataclass(frozen=True)
class Terms:
    """What a step on a batch needs.

    Args:
        loss: a scalar.
        mse: the squared error in it, in the mean of all pixels' values.
        features: `(R, E)`, without gradient.
        codes: int64 `(R,)`, of their nearest vectors.
    """

    loss: Tensor
    mse: Tensor
    features: Tensor
    codes: Tensor


def objective(model: Vq, x_BCSS: Tensor, commitment: float) -> Terms:
    """What a step lowers, of pixels in [-1, 1]; features get the gradient of their vectors.

    |x - y|^2 + commitment |z - sg(e)|^2, summed over a patch and its feature, and divided by the
    192 values of the patch. The codebook has no gradient: it moves by averages.

    Source: van den Oord et al. 2017, equation 3, with a Gaussian of variance 1/2 as its likelihood.
    """
    z_BEGG = model.encoder(x_BCSS)
    with torch.no_grad():
        codes_BGG = model.nearest(z_BEGG)
        e_BEGG = model.vectors(codes_BGG)
    y_BCSS = model.decoder(z_BEGG + (e_BEGG - z_BEGG).detach())
    mse = functional.mse_loss(y_BCSS, x_BCSS)
    distance = functional.mse_loss(z_BEGG, e_BEGG) * z_BEGG.shape[1] / PATCH_VALUES
    z_RE = z_BEGG.detach().permute(0, 2, 3, 1).flatten(0, 2)
    return Terms(mse + commitment * distance, mse, z_RE, codes_BGG.flatten())


def rate_share(step: int, settings: VqTraining) -> float:
    """Share of the full learning rate at a step: rising, constant, then falling in a line."""
    rising = (step + 1) / max(1, settings.warmup_steps)
    falling = (settings.steps - step) / max(1, settings.decay_steps)
    return min(1.0, rising, falling)


def scaled(x_BCSS: Tensor) -> Tensor:
    """Pixels float32 in [-1, 1] of uint8."""
    return x_BCSS.float().div_(127.5).sub_(1)


def _noise(seed: int, number: int) -> torch.Generator:
    """Random numbers of the start, 0, or of a step, from 1."""
    mixed = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed))
