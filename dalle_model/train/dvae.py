"""Training the dVAE on the relaxed bound, and measuring it on held-out images."""

import copy
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from dalle_model.checkpoint import save_checkpoint
from dalle_model.config import FIRST_RESAMPLE, DvaeConfig, Resample
from dalle_model.pixels import Rgb
from dalle_model.progress import OnStep
from dalle_model.settings import DvaeTraining
from dalle_model.tokenizers.dvae import Dvae, to_input
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.facts import dvae_facts
from dalle_model.train.descent import average, descend, draw_batch
from dalle_model.train.images import Images
from dalle_model.train.losses import divergence_from_uniform, logit_laplace, negative_bound, relax
from dalle_model.train.measures import measure
from dalle_model.train.precision import mixed_precision
from dalle_model.train.schedules import Cosine

# Shape letters: N training images, B batch, C colour channels (3), S side in pixels, K codes,
# G grid side.

# Source: Ramesh et al. 2021, appendix A.2, whose betas and eps are torch's defaults
WEIGHT_DECAY = 1e-4
_WARM_UP_STEPS = 50  # chosen: the learning rate rises linearly over them


def train_from_images(
    images: Images,
    out_url: str,
    config: DvaeConfig,
    settings: DvaeTraining,
    on_step: OnStep,
    resample: Resample = FIRST_RESAMPLE,
) -> dict[str, Any]:
    """Train on images, measure on those held out, and write a checkpoint.

    Args:
        images: squares of `config.side` px; see `Images.split` for those held out.
        out_url: URL of the checkpoint.
        config: sizes of the dVAE.
        settings: of the training.
        on_step: called after each step with its losses.
        resample: the filter that scaled the images, which the checkpoint names.

    Returns:
        `images` and `held_out`: how many were trained on and held out; `psnr`, in dB on the
        held-out images; `codes_used` and `perplexity`, on all.

    Raises:
        ImagesError: too few images to train on some and hold others out.
        DivergedError: the loss is not finite.
    """
    train, held_out = images.split(out_url)
    model = train_dvae(train, config, settings, on_step)
    codec = DvaeCodec(model, dvae_facts(out_url, "", config.to_dict(), {"resample": resample}))
    metrics = measure(codec, None, train, held_out)
    extra = {"metrics": metrics, "settings": asdict(settings), "resample": resample}
    save_checkpoint(out_url, "dvae", model.state_dict(), config.to_dict(), extra)
    return metrics


def train_dvae(images: Rgb, config: DvaeConfig, settings: DvaeTraining, on_step: OnStep) -> Dvae:
    """Train a dVAE; equal arguments and equal threads give equal weights.

    Args:
        images: uint8 `(N, side, side, 3)`; shifted and mirrored at random.
        config: sizes of the dVAE.
        settings: of the training.
        on_step: as for `train_from_images`.

    Returns:
        The dVAE with averaged weights.

    Raises:
        DivergedError: the loss is not finite.

    Source: Ramesh et al. 2021, section 2.1, appendix A.2 and its listing 1.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = Dvae(config)
    model.to(memory_format=torch.channels_last)
    return _descend(model, to_input(images), settings, on_step)


@dataclass(frozen=True)
class LossWeights:
    """Weights of the loss in one step; see `DvaeTraining`."""

    temperature: float
    kl_weight: float


def bound(
    model: Dvae, x_BCSS: Tensor, weights: LossWeights, noise: torch.Generator
) -> dict[str, Tensor]:
    """The `loss` of a batch and its terms `nll` and `kl`, all of them means."""
    logits_BKGG = model.encoder(x_BCSS)
    mu_BCSS, ln_b_BCSS = model.decoder(relax(logits_BKGG, weights.temperature, noise))
    ln_f_BCSS = logit_laplace(x_BCSS, mu_BCSS, ln_b_BCSS)
    kl_BGG = divergence_from_uniform(logits_BKGG)
    loss = negative_bound(ln_f_BCSS, kl_BGG, weights.kl_weight)
    return {"loss": loss, "nll": -ln_f_BCSS.mean(), "kl": kl_BGG.mean()}


def _descend(model: Dvae, x_NCSS: Tensor, settings: DvaeTraining, on_step: OnStep) -> Dvae:
    generator = torch.Generator().manual_seed(settings.seed)
    averaged = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=WEIGHT_DECAY, fused=True)
    learning_rate = Cosine(*settings.learning_rate, settings.learning_rate_steps)
    temperature = Cosine(*settings.temperature, settings.temperature_steps)
    kl_weight = Cosine(0.0, settings.kl_weight, settings.kl_steps)
    for step in range(settings.steps):
        weights = LossWeights(temperature(step), kl_weight(step))
        x_BCSS = draw_batch(x_NCSS, settings.batch_size, settings.max_shift, generator)
        with mixed_precision(settings.precision):
            terms = bound(model, x_BCSS, weights, generator)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step) * min(1, (step + 1) / _WARM_UP_STEPS)
        descend(model, [optimizer], terms["loss"], "dvae.training.learning_rate")
        average(averaged, model, settings.ema_decay, step)
        on_step(step + 1, settings.steps, {k: v.item() for k, v in terms.items()})
    return averaged
