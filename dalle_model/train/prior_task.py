"""The prior as a task: the cross-entropy of text and image tokens, and its rates and noise.

The token noise of a row depends on the seed, the epoch and the row alone, its share on the step.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn

from dalle_model.config import PriorConfig
from dalle_model.data.permutation import key_of
from dalle_model.data.reader import Batch
from dalle_model.prior.loss import IMAGE_WEIGHT, TEXT_WEIGHT, stream_loss
from dalle_model.prior.model import Prior
from dalle_model.settings import PriorTraining
from dalle_model.train.optimizers import Adam, muon_and_adamw
from dalle_model.train.parallel import sums
from dalle_model.train.place import ALONE, Place
from dalle_model.train.plateau import PlateauRate
from dalle_model.train.precision import uses_bfloat16
from dalle_model.train.resblock_scaling import ResblockScaling

# Shape letters: B batch, T text positions, I image positions.


class PriorObjective(nn.Module):
    """The cross-entropy of a batch, summed over its text tokens and over its image tokens.

    Args:
        model: the prior.
        scaling: of its gradients in half precision; None in another one.
        plateau: that decides on the learning rate; None for another schedule.
    """

    def __init__(
        self,
        model: Prior,
        scaling: ResblockScaling | None = None,
        plateau: PlateauRate | None = None,
    ) -> None:
        super().__init__()
        self.model, self.scaling, self.plateau = model, scaling, plateau

    def forward(self, text_BT: Tensor, image_BI: Tensor, read_BI: Tensor) -> dict[str, Tensor]:
        """Sums by part, in nats.

        Args:
            text_BT: ids, the pad id where empty.
            image_BI: ids to predict.
            read_BI: ids to predict them from.
        """
        text_logits, image_logits = self.model(text_BT, read_BI)
        text, image = stream_loss(text_logits, image_logits, text_BT, image_BI)
        return {"text_ce": text, "image_ce": image}


class PriorTask:
    """A prior, and how it is trained; a `dalle_model.train.task.Task`.

    Args:
        config: sizes of the prior.
        settings: of the training.
        held_out: makes an iterator of the batches that are measured, those of this process; None
            for none.
        place: of this process, whose sums are added to those of the others.
    """

    kind = "prior-training"
    rate_settings = "`prior.training.learning_rate` and `matrix_rate`"

    def __init__(
        self,
        config: PriorConfig,
        settings: PriorTraining,
        held_out: Callable[[], Iterable[Batch]] | None = None,
        place: Place = ALONE,
    ) -> None:
        with torch.random.fork_rng(devices=[]):  # the global random numbers are left untouched
            torch.manual_seed(settings.seed)
            self.model = Prior(config).train()
        self._scaling = _scaling(self.model, settings)
        self._plateau = _plateau(settings)
        self.objective: nn.Module = PriorObjective(self.model, self._scaling, self._plateau)
        self.optimizers = muon_and_adamw(
            self.model,
            settings.optimizer,
            _adam(settings),
            settings.matrix_rate,
            settings.weight_decay,
            torch.bfloat16 if uses_bfloat16(settings.precision) else torch.float32,
        )
        self._settings, self._held_out, self._place = settings, held_out, place

    @property
    def config(self) -> dict[str, Any]:
        return self.model.config.to_dict()

    def inputs(self, batch: Batch, step: int) -> tuple[Tensor, Tensor, Tensor]:
        image_BI = batch["image_tokens"].long()
        most = self._settings.token_noise * (1 - step / self._settings.steps)
        if most == 0:
            return batch["text"], image_BI, image_BI
        places = zip(batch["epoch"].tolist(), batch["row"].tolist(), strict=True)
        seeds = [int(key_of("token noise", self._settings.seed, *place)) for place in places]
        read_BI = add_noise(image_BI, self.model.config.image_vocab, most, seeds)
        return batch["text"], image_BI, read_BI

    def counts(self, batch: Batch) -> dict[str, int]:
        targets = batch["text"][:, 1:] != self.model.config.text_vocab
        return {"text_ce": int(targets.sum()), "image_ce": batch["image_tokens"].numel()}

    def weights(self, step: int) -> dict[str, float]:
        del step
        return {"text_ce": TEXT_WEIGHT, "image_ce": IMAGE_WEIGHT}

    def rate_share(self, step: int) -> float:
        if self._plateau is None or step < self._settings.warmup_steps:
            return rate_share(step, self._settings)
        return self._plateau.share

    def unscale(self) -> list[str]:
        return [] if self._scaling is None else self._scaling.settle()

    def after_step(self, step: int) -> None:
        del step

    @torch.inference_mode()
    def measure(self, model: nn.Module) -> Mapping[str, float]:
        """`held_out_text_ce` and `held_out_image_ce`, in nats a token, without noise or dropout.

        `held_out_loss` is their sum by `weights`. All processes must call this.
        """
        if self._held_out is None:
            return {}
        assert isinstance(model, Prior)
        objective, device = PriorObjective(model), next(model.parameters()).device
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


def _scaling(prior: Prior, settings: PriorTraining) -> ResblockScaling | None:
    if settings.precision != "float16":
        return None
    processes = distributed.get_world_size() if distributed.is_initialized() else 1
    return ResblockScaling(prior, processes * settings.accumulation)


def _plateau(settings: PriorTraining) -> PlateauRate | None:
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
