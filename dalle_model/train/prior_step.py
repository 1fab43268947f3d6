"""Steps of training the prior, and the state that they change.

The token noise of a step depends on the seed and the step alone.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from dalle_model.config import PriorConfig
from dalle_model.data.reader import Batch
from dalle_model.prior.loss import StreamLoss, stream_loss
from dalle_model.prior.model import Prior
from dalle_model.settings import PriorTraining
from dalle_model.train.descent import DivergedError
from dalle_model.train.optimizers import muon_and_adamw, set_learning_rate
from dalle_model.train.precision import mixed_precision, uses_bfloat16

# Shape letters: B batch, T text positions, I image positions.

_KEYS_SHOWN = 32  # in an error; chosen: a batch of the demo


@dataclass
class TrainingState:
    """A training run between two steps.

    Args:
        prior: the weights.
        optimizers: with their state.
        step: number of the next step, from 0.
        position: rows that all steps have had together: where the next one begins in their order.
        recent: running means of the loss and its parts, in nats per token.
    """

    prior: Prior
    optimizers: list[Optimizer]
    step: int
    position: int
    recent: dict[str, float]

    @property
    def weights(self) -> Prior:
        """What is saved."""
        return self.prior

    @property
    def config(self) -> dict[str, Any]:
        """Sizes of what is saved."""
        return self.prior.config.to_dict()


def start(config: PriorConfig, settings: PriorTraining) -> TrainingState:
    """The state before the first step; torch's global random numbers are left untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        prior = Prior(config).train()
    optimizers = muon_and_adamw(
        prior,
        settings.optimizer,
        settings.learning_rate,
        settings.matrix_rate,
        settings.betas,
        settings.weight_decay,
        torch.bfloat16 if uses_bfloat16(settings.precision) else torch.float32,
    )
    return TrainingState(prior, optimizers, step=0, position=0, recent={})


def train_step(state: TrainingState, settings: PriorTraining, batch: Batch) -> None:
    """Take one step on a batch of the reader.

    Raises:
        DivergedError: the loss or its gradient is not finite; the weights are left as they were.
    """
    set_learning_rate(state.optimizers, rate_share(state.step, settings))
    text_BT, image_BI = batch["text"], batch["image_tokens"].long()
    max_share = settings.token_noise * (1 - state.step / settings.steps)
    seed = (settings.seed, state.step)
    read_BI = add_noise(image_BI, state.prior.config.image_vocab, max_share, seed)
    with mixed_precision(settings.precision):
        text_logits, image_logits = state.prior(text_BT, read_BI)
    loss = stream_loss(text_logits, image_logits, text_BT, image_BI)
    loss.total.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(state.prior.parameters(), settings.clip_norm)
    if not (torch.isfinite(loss.total) and torch.isfinite(norm)):
        raise _diverged(state.step, loss.total.item(), norm.item(), batch["key"])
    for optimizer in state.optimizers:
        optimizer.step()
    state.prior.zero_grad()
    state.recent = _running_means(state.recent, loss)
    state.step += 1
    state.position = batch["next_position"]


def _diverged(step: int, loss: float, norm: float, keys: list[str]) -> DivergedError:
    shown = ", ".join(keys[:_KEYS_SHOWN])
    more = f" and {len(keys) - _KEYS_SHOWN} more" if len(keys) > _KEYS_SHOWN else ""
    return DivergedError(
        f"in step {step + 1} the loss is {loss} and the norm of its gradient {norm}, so the step "
        "is not taken; lower `prior.training.learning_rate` and `matrix_rate` and train again, or "
        f"look at the rows of its batch with `dalle explain`: {shown}{more}"
    )


def rate_share(step: int, settings: PriorTraining) -> float:
    """Share of the full learning rate at a step: linear warm-up, then half a cosine."""
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    progress = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    falling = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return settings.final_rate + (1 - settings.final_rate) * falling


def add_noise(image_BI: Tensor, num_codes: int, max_share: float, seed: tuple[int, int]) -> Tensor:
    """Replace a share of each image's tokens, uniform in 0..`max_share`, by random codes."""
    if max_share == 0:
        return image_BI
    rng = np.random.default_rng(seed)
    shares = rng.random((len(image_BI), 1)) * max_share
    is_noise_BI = torch.from_numpy(rng.random(image_BI.shape) < shares)
    noise_BI = torch.from_numpy(rng.integers(num_codes, size=image_BI.shape))
    return torch.where(is_noise_BI, noise_BI, image_BI)


def _running_means(before: dict[str, float], loss: StreamLoss) -> dict[str, float]:
    now = {"loss": loss.total.item(), "image_ce": loss.image.item(), "text_ce": loss.text.item()}
    return {name: 0.9 * before.get(name, value) + 0.1 * value for name, value in now.items()}
