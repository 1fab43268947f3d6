"""What tasks of models that predict image tokens share: rates, noise, and what is held out.

The token noise of a row depends on the seed, the epoch and the row alone, its share on the step.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dalle_model.data.permutation import key_of
from dalle_model.data.reader import Batch
from dalle_model.settings import PriorTraining
from dalle_model.train.optimizers import Adam, muon_and_adamw
from dalle_model.train.parallel import sums
from dalle_model.train.place import ALONE, Place
from dalle_model.train.plateau import PlateauRate
from dalle_model.train.precision import uses_bfloat16

# Shape letters: B batch, T text positions, I image positions.

HeldOut = Callable[[], Iterable[Batch]]


class TokenTask(ABC):
    """A model of image tokens, and how it is trained; a `dalle_model.train.task.Task`.

    Args:
        model: with the weights of the first step; changed in place.
        objective: has the model; takes text, image tokens and what they are predicted from to sums.
        settings: of the training.
        num_codes: every code of noise is below it.
        plateau: that decides on the learning rate; None for another schedule.
        held_out: makes an iterator of the batches that are measured, those of this process; None
            for none.
        place: of this process, whose sums are added to those of the others.
    """

    kind: str
    rate_settings: str

    def __init__(
        self,
        model: nn.Module,
        objective: nn.Module,
        settings: PriorTraining,
        num_codes: int,
        plateau: PlateauRate | None,
        held_out: HeldOut | None = None,
        place: Place = ALONE,
    ) -> None:
        self.model: Any = model
        self.objective = objective
        self.optimizers = muon_and_adamw(
            model,
            settings.optimizer,
            _adam(settings),
            settings.matrix_rate,
            settings.weight_decay,
            torch.bfloat16 if uses_bfloat16(settings.precision) else torch.float32,
        )
        self._settings, self._num_codes, self._plateau = settings, num_codes, plateau
        self._held_out, self._place = held_out, place

    @abstractmethod
    def counts(self, batch: Batch) -> dict[str, int]:
        """Of each part of the loss, how many tokens it has."""

    @abstractmethod
    def weights(self, step: int) -> dict[str, float]:
        """Of each part, in the loss."""

    @abstractmethod
    def objective_of(self, model: nn.Module) -> nn.Module:
        """The same objective, of another model, such as that of averaged weights."""

    @property
    def config(self) -> dict[str, Any]:
        values: dict[str, Any] = self.model.config.to_dict()
        return values

    def inputs(self, batch: Batch, step: int) -> tuple[Tensor, Tensor, Tensor]:
        image_BI = batch["image_tokens"].long()
        most = self._settings.token_noise * (1 - step / self._settings.steps)
        if most == 0:
            return batch["text"], image_BI, image_BI
        places = zip(batch["epoch"].tolist(), batch["row"].tolist(), strict=True)
        seeds = [int(key_of("token noise", self._settings.seed, *place)) for place in places]
        return batch["text"], image_BI, add_noise(image_BI, self._num_codes, most, seeds)

    def rate_share(self, step: int) -> float:
        if self._plateau is None or step < self._settings.warmup_steps:
            return rate_share(step, self._settings)
        return self._plateau.share

    def unscale(self) -> list[str]:
        return []

    def after_step(self, step: int) -> None:
        del step

    @torch.inference_mode()
    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """`held_out_` and the name of each part, in nats a token, without noise or dropout.

        `held_out_loss` is their sum by `weights`. All processes must call this.
        """
        if self._held_out is None:
            return {}
        objective, device = self.objective_of(model), next(model.parameters()).device
        losses, counts = dict.fromkeys(self.weights(0), 0.0), dict.fromkeys(self.weights(0), 0)
        for batch in self._held_out():
            image_BI = batch["image_tokens"].long()
            inputs = (tensor.to(device) for tensor in (batch["text"], image_BI, image_BI))
            for name, value in objective(*inputs).items():
                losses[name] += value.item()
            for name, count in self.counts(batch).items():
                counts[name] += count
        losses, counts = sums(losses, self._place), sums(counts, self._place)
        means = {name: losses[name] / max(1, counts[name]) for name in losses}
        loss = sum(weight * means[name] for name, weight in self.weights(0).items())
        return {f"held_out_{name}": mean for name, mean in means.items()} | {"held_out_loss": loss}

    def measured(self, figures: Mapping[str, float]) -> None:
        """Halve the rate where the loss of what is held out falls no more."""
        if self._plateau is not None and figures:
            parts = self.weights(0).items()
            self._plateau.measured(sum(w * figures[f"held_out_{name}"] for name, w in parts))


def plateau_of(settings: PriorTraining) -> PlateauRate | None:
    """What decides on the rate of the schedule `plateau`; None for another one."""
    if settings.schedule != "plateau":
        return None
    return PlateauRate(settings.plateau_patience, settings.plateau_threshold, settings.halvings)


def _adam(settings: PriorTraining) -> Adam:
    return Adam(
        settings.learning_rate,
        settings.betas,
        math.inf if settings.second_moment_max is None else settings.second_moment_max,
        settings.moment_bits,
    )


def rate_share(step: int, settings: PriorTraining) -> float:
    """Share of the full learning rate at a step: linear warm-up, then half a cosine."""
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    progress = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    falling = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return settings.final_rate + (1 - settings.final_rate) * falling


def add_noise(image_BI: Tensor, num_codes: int, most: float, seeds: list[int]) -> Tensor:
    """Replace a share of each image's tokens, uniform in 0..`most`, by random codes.

    Args:
        image_BI: ids.
        num_codes: every code is below it.
        most: the largest share, in [0, 1].
        seeds: of the images.
    """
    noisy_BI = image_BI.numpy().copy()
    for tokens_I, seed in zip(noisy_BI, seeds, strict=True):
        rng = np.random.default_rng(seed)
        is_noise_I = rng.random(len(tokens_I)) < rng.random() * most
        tokens_I[is_noise_I] = rng.integers(num_codes, size=is_noise_I.sum())
    return torch.from_numpy(noisy_BI)
