"""Training the VQ-VAE of patches, and measuring it on held-out images.

The random numbers of a step depend on the seed and the step alone, so that a run that is resumed
from its saved state is bit for bit the run that was never interrupted.
"""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from dalle_model import files
from dalle_model.checkpoint import save_checkpoint
from dalle_model.config import FIRST_RESAMPLE, PATCH, Resample
from dalle_model.evaluate.reconstruction import psnr
from dalle_model.pixels import Rgb
from dalle_model.progress import OnStep
from dalle_model.settings import VqTraining
from dalle_model.threads import torch_threads
from dalle_model.tokenizers.facts import vq_facts
from dalle_model.tokenizers.vq import Vq
from dalle_model.tokenizers.vq_codec import VqCodec
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.tokenizers.vqgan_codec import to_input
from dalle_model.train.images import Images
from dalle_model.train.kmeans import fit_centroids
from dalle_model.train.measures import decode, encode, measure
from dalle_model.train.resume import clear_state, load_state, save_state
from dalle_model.train.vq_step import fresh, start, train_step

# Shape letters: N training images, B batch, C colour channels (3), S side in pixels, G grid side,
# P values of a patch (192).

_KIND = "vq-training"
_DECIDES_NOTHING = ("checkpoint_every", "kmeans_iterations")  # of a step


def train_from_images(
    images: Images,
    out_url: str,
    config: VqConfig,
    settings: VqTraining,
    on_step: OnStep,
    resample: Resample = FIRST_RESAMPLE,
) -> dict[str, Any]:
    """Train on images, measure on those held out, and write a checkpoint.

    An interrupted run is resumed from the state saved next to `out_url`, unless something that the
    training depends on has changed.

    Args:
        images: squares of the config's image shape; see `Images.split` for those held out.
        out_url: URL of the checkpoint.
        config: sizes of the model.
        settings: of the training.
        on_step: called after each step with its `loss`, the `psnr` of the batch in dB, and the
            `held_out_psnr` of the averaged weights when the state was last saved.
        resample: the filter that scaled the images, which the checkpoint names.

    Returns:
        As `dalle_model.train.measures.measure`, and `context_share`: of the held-out codes, how
        many change where the encoder's trunk is left out.

    Raises:
        ImagesError: too few images to train on some and hold others out.
        DivergedError: the loss is not finite.
    """
    train, held_out = images.split(out_url)
    with torch_threads(settings.threads):
        model = train_vq(train, held_out, config, settings, on_step, out_url)
        chosen = (config.num_codes, settings.kmeans_iterations, settings.seed)
        centroids = fit_centroids(train, *chosen)
        codec = VqCodec(model, vq_facts(out_url, "", config.to_dict(), {"resample": resample}))
        metrics = measure(codec, centroids, train, held_out)
        metrics["context_share"] = round(context_share(codec, held_out), 3)
    extra = {"metrics": metrics, "settings": asdict(settings), "resample": resample}
    save_checkpoint(out_url, "vq", model.state_dict(), config.to_dict(), extra)
    clear_state(out_url)
    return metrics


def train_vq(
    train: Rgb,
    held_out: Rgb,
    config: VqConfig,
    settings: VqTraining,
    on_step: OnStep,
    out_url: str | None = None,
) -> Vq:
    """Train a model; equal arguments and equal threads give equal weights.

    Args:
        train: uint8 `(N, side, side, 3)`; shifted and mirrored at random.
        held_out: the same; only measured.
        config: sizes of the model.
        settings: of the training.
        on_step: as for `train_from_images`.
        out_url: URL of the future checkpoint, next to which the state of an unfinished run is
            saved; None to save nothing.

    Returns:
        The model with averaged weights.
    """
    x_NCSS = torch.from_numpy(np.ascontiguousarray(train.transpose(0, 3, 1, 2)))
    state, origin = fresh(config, settings), _origin(train, config, settings)
    is_own = partial(_continues, origin)
    if out_url is None or not load_state(out_url, _KIND, state, is_own):
        start(state, settings, x_NCSS)
    while state.step < settings.steps:
        train_step(state, settings, x_NCSS)
        if state.step % settings.checkpoint_every == 0:
            state.recent["held_out_psnr"] = _psnr(state.trained(), held_out)
            if out_url is not None:
                save_state(out_url, _KIND, state, origin)
        on_step(state.step, settings.steps, state.recent)
    return state.trained()


def context_share(codec: VqCodec, images: Rgb) -> float:
    """Share of codes that are others where the encoder sees each patch alone."""
    x_BCSS = to_input(images)
    with torch.inference_mode():
        patches_BPGG = functional.pixel_unshuffle(x_BCSS, PATCH)
        codes_BGG = codec.model.nearest(codec.model.encoder.without_context(patches_BPGG))
    return float((codes_BGG.flatten(1).numpy() != encode(codec, images)).mean())


def _origin(images: Rgb, config: VqConfig, settings: VqTraining) -> dict[str, Any]:
    """By which a state is known: all that its steps depend on, and when the rate begins to fall."""
    values = {k: v for k, v in asdict(settings).items() if k not in _DECIDES_NOTHING}
    schedule = [values.pop("steps"), values.pop("decay_steps")]
    described = repr((sorted(values.items()), config, images.shape)).encode()
    return {"digest": files.sha256(described + images.tobytes()), "schedule": schedule}


def _continues(origin: Mapping[str, Any], saved: Mapping[str, Any]) -> bool:
    """Whether a saved state is of this run; with another end, while both rates are constant."""
    constant = min(steps - falling for steps, falling in (saved["schedule"], origin["schedule"]))
    is_before = saved["schedule"] == origin["schedule"] or saved["step"] <= constant
    return bool(saved["digest"] == origin["digest"] and is_before)


def _psnr(model: Vq, held_out: Rgb) -> float:
    codec = VqCodec(model, vq_facts("", "", model.config.to_dict(), {}))
    return round(psnr(held_out, decode(codec, encode(codec, held_out))), 3)
