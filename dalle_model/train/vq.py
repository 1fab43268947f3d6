"""Training the VQ-VAE of patches, and measuring it on held-out images."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

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
from dalle_model.train.drawn import DrawnImages
from dalle_model.train.images import Images
from dalle_model.train.kmeans import fit_centroids
from dalle_model.train.loop import Hook, run
from dalle_model.train.measures import decode, encode, measure
from dalle_model.train.origin import origin_of
from dalle_model.train.pictures import codec_pictures
from dalle_model.train.resume import clear_state
from dalle_model.train.speed import Pace
from dalle_model.train.state import RunState, begin
from dalle_model.train.vq_task import VqTask, with_codebook
from dalle_model.train.watch import NOWHERE, Logs, watching

# Shape letters: B batch, C colour channels (3), S side in pixels, G grid side, P values of a patch
# (192).


def train_from_images(
    images: Images,
    out_url: str,
    config: VqConfig,
    settings: VqTraining,
    on_step: OnStep,
    resample: Resample = FIRST_RESAMPLE,
    logs: Logs = NOWHERE,
) -> dict[str, Any]:
    """Train on images, measure on those held out, and write a checkpoint.

    An interrupted run is resumed from the state saved next to `out_url`, unless something that the
    training depends on has changed.

    Args:
        images: squares of the config's image shape; see `Images.split` for those held out.
        out_url: URL of the checkpoint.
        config: sizes of the model.
        settings: of the training.
        on_step: called after each step with the running means of `loss` and `mse`, and the
            `held_out_psnr` of the averaged weights as it was measured last.
        resample: the filter that scaled the images, which the checkpoint names.
        logs: where `metrics.jsonl`, pictures and trackers are written.

    Returns:
        As `dalle_model.train.measures.measure`, and `context_share`: of the held-out codes, how
        many change where the encoder's trunk is left out.

    Raises:
        ImagesError: too few images to train on some and hold others out.
        DivergedError: the loss is not finite.
    """
    train, held_out = images.split(out_url)
    draw = codec_pictures(held_out, lambda state: _codec(_kept(state)))
    with (
        torch_threads(settings.threads),
        watching(logs, settings, Pace("images"), draw) as hooks,
    ):
        model = train_vq(train, held_out, config, settings, on_step, out_url, hooks)
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
    hooks: Sequence[Hook] = (),
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
        hooks: called after each step, once it is measured.

    Returns:
        The model with averaged weights.
    """
    batches = DrawnImages(train, settings.batch_size, settings.max_shift, settings.seed)
    task = VqTask(config, settings, partial(_held_out_psnr, held_out))
    state = begin(task, settings)
    origin = origin_of(out_url, settings, config.to_dict(), files.sha256(train.tobytes()))
    begin_codebook = partial(task.start, batches, state.averaged)
    run(state, batches, settings, origin, on_step, begin_codebook, hooks)
    return _kept(state).eval()


def _kept(state: RunState) -> Vq:
    """The averaged weights with the codebook of the model."""
    model, averaged = state.task.model, state.trained
    assert isinstance(model, Vq)
    assert isinstance(averaged, Vq)
    return with_codebook(averaged, model)


def context_share(codec: VqCodec, images: Rgb) -> float:
    """Share of codes that are others where the encoder sees each patch alone."""
    x_BCSS = to_input(images)
    with torch.inference_mode():
        patches_BPGG = functional.pixel_unshuffle(x_BCSS, PATCH)
        codes_BGG = codec.model.nearest(codec.model.encoder.without_context(patches_BPGG))
    return float((codes_BGG.flatten(1).numpy() != encode(codec, images)).mean())


def _held_out_psnr(held_out: Rgb, model: Vq) -> dict[str, float]:
    codec = _codec(model)
    reached = psnr(held_out, decode(codec, encode(codec, held_out)))
    return {"held_out_psnr": round(reached, 3)}


def _codec(model: Vq) -> VqCodec:
    """The codec of a model in training."""
    return VqCodec(model, vq_facts("", "", model.config.to_dict(), {}))
