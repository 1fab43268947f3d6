"""The dVAE as a task: the relaxed bound, its schedules, and its noise.

The Gumbel noise of an image depends on the seed, the epoch and the image alone.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dalle_model.config import DvaeConfig
from dalle_model.data.permutation import key_of
from dalle_model.data.reader import Batch
from dalle_model.settings import DvaeTraining
from dalle_model.tokenizers.dvae import Dvae, to_input
from dalle_model.train.code_use import CodeUse
from dalle_model.train.losses import divergence_from_uniform, logit_laplace, relax
from dalle_model.train.schedules import Cosine

# Shape letters: B batch, C colour channels (3), S side in pixels, K codes, G grid side.

_WEIGHT_DECAY = 1e-4  # Source: Ramesh et al. 2021, appendix A.2; betas and eps are torch's defaults
_SAYS_NOTHING = 0.05  # of ln K nats, below which a token is taken to say nothing; chosen


class DvaeObjective(nn.Module):
    """The terms of the relaxed bound of a batch, summed: of all sub-pixels, and of all positions.

    Source: Ramesh et al. 2021, section 2.1.
    """

    def __init__(self, model: Dvae) -> None:
        super().__init__()
        self.model, self.use = model, CodeUse(model.config.num_codes)

    def forward(self, x_BCSS: Tensor, temperature: float, noise: list[int]) -> dict[str, Tensor]:
        """Sums by part, in nats.

        Args:
            x_BCSS: pixels in (0, 1).
            temperature: of the relaxation.
            noise: seeds, one for each image.
        """
        logits_BKGG = self.model.encoder(x_BCSS)
        self.use.note(logits_BKGG.detach().argmax(dim=1))  # to be looked at: nothing follows of it
        mu_BCSS, ln_b_BCSS = self.model.decoder(relax(logits_BKGG, temperature, noise))
        ln_f_BCSS = logit_laplace(x_BCSS, mu_BCSS, ln_b_BCSS)
        return {"nll": -ln_f_BCSS.sum(), "kl": divergence_from_uniform(logits_BKGG).sum()}


class DvaeTask:
    """A dVAE, and how it is trained; a `dalle_model.train.task.Task`.

    Args:
        config: sizes of the model.
        settings: of the training.
        held_out: measures a model by what is held out.
    """

    kind = "dvae-training"
    rate_settings = "`dvae.training.learning_rate`"

    def __init__(
        self,
        config: DvaeConfig,
        settings: DvaeTraining,
        held_out: Callable[[Dvae], Mapping[str, float]],
    ) -> None:
        with torch.random.fork_rng(devices=[]):  # the global random numbers are left untouched
            torch.manual_seed(settings.seed)
            self.model = Dvae(config).to(memory_format=torch.channels_last)
        bare = DvaeObjective(self.model)
        self.objective: nn.Module = bare
        self.code_use = bare.use
        adamw = torch.optim.AdamW(self.model.parameters(), weight_decay=_WEIGHT_DECAY, fused=True)
        adamw.param_groups[0]["peak"] = 1.0
        self.optimizers: list[torch.optim.Optimizer] = [adamw]
        self._settings, self._held_out = settings, held_out
        self._rate = Cosine(*settings.learning_rate, settings.learning_rate_steps)
        self._temperature = Cosine(*settings.temperature, settings.temperature_steps)
        self._kl_weight = Cosine(0.0, settings.kl_weight, settings.kl_steps)

    @property
    def config(self) -> dict[str, Any]:
        return self.model.config.to_dict()

    def judge(self, figures: Mapping[str, float], is_few: bool) -> str:
        """What to change where tokens say nothing, or all the same."""
        settings, most = self._settings, math.log(self.model.config.num_codes)
        weight = f"`dvae.training.kl_weight` ({settings.kl_weight:g})"
        said = f"a token says {figures['kl']:.2f} of {most:.2f} nats (kl)"
        if figures["kl"] < _SAYS_NOTHING * most:
            return f"{said}: lower {weight}, or raise `kl_steps` ({settings.kl_steps:,})"
        if is_few:
            slower = f"`temperature_steps` ({settings.temperature_steps:,})"
            return f"{said}: raise {weight}, or {slower}"
        return ""

    def inputs(self, batch: Batch, step: int) -> tuple[Tensor, float, list[int]]:
        seed = self._settings.seed
        places = zip(batch["epoch"].tolist(), batch["row"].tolist(), strict=True)
        noise = [int(key_of("gumbel", seed, *place)) >> 1 for place in places]  # torch's are signed
        return to_input(batch["image"].numpy()), self._temperature(step), noise

    def counts(self, batch: Batch) -> dict[str, int]:
        rows, columns = self.model.config.token_shape
        return {"nll": batch["image"].numel(), "kl": len(batch["image"]) * rows * columns}

    def weights(self, step: int) -> dict[str, float]:
        """Both terms are divided by the number of sub-pixels, of which a token has 192.

        Source: Ramesh et al. 2021, appendix A.2.
        """
        config = self.model.config
        (height, width), (rows, columns) = config.image_shape, config.token_shape
        subpixels_per_token = 3 * height * width / (rows * columns)
        return {"nll": 1.0, "kl": self._kl_weight(step) / subpixels_per_token}

    def rate_share(self, step: int) -> float:
        return self._rate(step)

    def unscale(self) -> list[str]:
        return []

    def after_step(self, step: int) -> None:
        del step

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        assert isinstance(model, Dvae)
        return self._held_out(model)

    def measured(self, figures: Mapping[str, float]) -> None:
        del figures
