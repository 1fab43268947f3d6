"""The VQ-VAE of patches as a task: what its steps lower, and how its codebook moves.

The objective is that of the VQ-VAE: squared error, straight-through gradients, commitment, and a
codebook of moving averages. So it is not that of DALL-E's dVAE: neither relaxation nor noise, no
divergence from uniform codes, and a Gaussian in place of the logit-Laplace likelihood. Ours are the
start among principal components, Muon for the matrices of the blocks, and codes that are taken up
again where they die out.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from dalle_model.data.image_reader import ImageReader
from dalle_model.data.permutation import key_of
from dalle_model.data.reader import Batch
from dalle_model.settings import VqTraining
from dalle_model.tokenizers.vq import Vq
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.train.code_use import CodeUse
from dalle_model.train.codebook import MovingCodebook, start_from_components
from dalle_model.train.optimizers import Adam, muon_and_adamw
from dalle_model.train.parallel import joined_rows, take_from_first
from dalle_model.train.place import ALONE, Place
from dalle_model.train.precision import uses_bfloat16

# Shape letters: B batch, C colour channels (3), S side in pixels, G grid side, E channels of a
# vector, R = B * G * G positions.

_BETAS = (0.9, 0.99)  # chosen: gradients through a moving codebook age sooner than torch's 0.999
_WEIGHT_DECAY = 1e-4  # Source: Ramesh et al. 2021, appendix A.2
_START_PER_CODE = 64  # positions; chosen: k-means of more is hardly better
_REVIVE_EVERY = 10  # steps; chosen: moved codes are used before they are looked at again


class VqObjective(nn.Module):
    """What a step lowers, of pixels in [-1, 1]; features get the gradient of their vectors.

    |x - y|^2 + commitment |z - sg(e)|^2, summed over a patch and its feature, and divided by the
    192 values of the patch. The codebook has no gradient: it moves by averages, for which the
    features of a step are kept until it ends.

    Source: van den Oord et al. 2017, equation 3, with a Gaussian of variance 1/2 as its likelihood.
    """

    def __init__(self, model: Vq) -> None:
        super().__init__()
        self.model, self.moving = model, MovingCodebook(*model.codebook.shape)
        self.use = CodeUse(len(model.codebook))
        self.seen: list[tuple[Tensor, Tensor]] = []

    def forward(self, x_BCSS: Tensor) -> dict[str, Tensor]:
        """Squared errors of pixels, and squared distances of features from their vectors; sums."""
        z_BEGG = self.model.encoder(x_BCSS)
        with torch.no_grad():
            codes_BGG = self.model.nearest(z_BEGG)
            e_BEGG = self.model.vectors(codes_BGG)
        y_BCSS = self.model.decoder(z_BEGG + (e_BEGG - z_BEGG).detach())
        z_RE = z_BEGG.detach().permute(0, 2, 3, 1).flatten(0, 2)
        self.seen.append((z_RE, codes_BGG.flatten()))
        self.use.note(codes_BGG)
        return {
            "mse": functional.mse_loss(y_BCSS, x_BCSS, reduction="sum"),
            "commitment": functional.mse_loss(z_BEGG, e_BEGG, reduction="sum"),
        }


class VqTask:
    """A VQ-VAE of patches, and how it is trained; a `dalle_model.train.task.Task`.

    Args:
        config: sizes of the model.
        settings: of the training.
        held_out: measures a model by what is held out.
        place: of this process, whose features move the codebook with those of the others.
    """

    kind = "vq-training"
    rate_settings = "`vq.training.learning_rate`"

    def __init__(
        self,
        config: VqConfig,
        settings: VqTraining,
        held_out: Callable[[Vq], Mapping[str, float]],
        place: Place = ALONE,
    ) -> None:
        with torch.random.fork_rng(devices=[]):  # the global random numbers are left untouched
            torch.manual_seed(settings.seed)
            self.model = Vq(config)
        bare = VqObjective(self.model)
        self.objective: nn.Module = bare
        self._bare = bare
        dtype = torch.bfloat16 if uses_bfloat16(settings.precision) else torch.float32
        adam = Adam(settings.learning_rate, _BETAS)
        rates = (settings.matrix_rate, _WEIGHT_DECAY)
        self.optimizers = muon_and_adamw(self.model, "muon", adam, *rates, dtype)
        self._settings, self._held_out, self._place = settings, held_out, place

    @property
    def config(self) -> dict[str, Any]:
        return self.model.config.to_dict()

    @property
    def code_use(self) -> CodeUse:
        """The running shares of its codes."""
        return self._bare.use

    def judge(self, _figures: Mapping[str, float], is_few: bool) -> str:
        """What to change where few codes are used, though dead ones are taken up again."""
        rate, size = self._settings.matrix_rate, self._settings.batch_size
        changes = f"lower `vq.training.matrix_rate` ({rate:g}), or raise `batch_size` ({size})"
        return f"those left alone are taken up by nothing: {changes}" if is_few else ""

    def start(self, images: ImageReader, averaged: nn.Module | None) -> None:
        """Make fresh weights those of k-means among the components of images."""
        settings, config = self._settings, self.model.config
        rows, columns = config.token_shape
        count = -(-_START_PER_CODE * config.num_codes // (rows * columns))
        first_BSSC = torch.from_numpy(images.first(count))
        start_from_components(self.model, scaled(first_BSSC), settings.seed)
        even = settings.batch_size * rows * columns / config.num_codes
        self._bare.moving.start(self.model.codebook, even)
        take_from_first(self.objective, self._place)  # other machines may round in other ways
        if averaged is not None:
            averaged.load_state_dict(self.model.state_dict())

    def inputs(self, batch: Batch, step: int) -> tuple[Tensor]:
        del step
        return (scaled(batch["image"]),)

    def counts(self, batch: Batch) -> dict[str, int]:
        return dict.fromkeys(("mse", "commitment"), batch["image"].numel())

    def weights(self, step: int) -> dict[str, float]:
        del step
        return {"mse": 1.0, "commitment": self._settings.commitment}

    def rate_share(self, step: int) -> float:
        return rate_share(step, self._settings)

    def unscale(self) -> list[str]:
        return []

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Move the codebook towards the features of the step."""
        seen = self._bare.seen
        features_RE, codes_R = (torch.cat(values) for values in zip(*seen, strict=True))
        seen.clear()
        settings, moving, model = self._settings, self._bare.moving, self.model
        moving.update(features_RE, codes_R, settings.codebook_decay, self._place)
        if step % _REVIVE_EVERY == 0 and step < settings.steps - settings.decay_steps:
            distances_R = (features_RE - model.codebook[codes_R]).square().sum(1)
            seed = int(key_of("revived codes", settings.seed, step)) >> 1  # torch's are signed
            features_RE = joined_rows(features_RE, self._place)
            distances_R = joined_rows(distances_R, self._place)
            moving.revive(features_RE, distances_R, torch.Generator().manual_seed(seed))
        model.codebook.copy_(moving.vectors())

    def measure(self, model: nn.Module) -> Mapping[str, float]:
        assert isinstance(model, Vq)
        return self._held_out(with_codebook(model, self.model))

    def measured(self, figures: Mapping[str, float]) -> None:
        del figures


def with_codebook(averaged: Vq, of: Vq) -> Vq:
    """Averaged weights with the codebook of another model, which is an average itself."""
    averaged.codebook.copy_(of.codebook)
    return averaged


def rate_share(step: int, settings: VqTraining) -> float:
    """Share of the full learning rate at a step: rising, constant, then falling in a line."""
    rising = (step + 1) / max(1, settings.warmup_steps)
    falling = (settings.steps - step) / max(1, settings.decay_steps)
    return min(1.0, rising, falling)


def scaled(image_BSSC: Tensor) -> Tensor:
    """Pixels float32 `(B, C, S, S)` in [-1, 1], channels last, of uint8."""
    return image_BSSC.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
