"""Training the VQ-VAE of patches, and measuring it on held-out images."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from dalle_model.checkpoint import save_checkpoint
from dalle_model.config import FIRST_RESAMPLE, PATCH, Resample
from dalle_model.data.augment import Augmentation
from dalle_model.data.image_reader import Squares
from dalle_model.data.torch import TokenLoader, TokenStream
from dalle_model.pixels import Rgb
from dalle_model.progress import OnStep
from dalle_model.settings import VqTraining
from dalle_model.threads import torch_threads
from dalle_model.token_shape import square_edge
from dalle_model.tokenizers.facts import vq_facts
from dalle_model.tokenizers.vq import Vq
from dalle_model.tokenizers.vq_codec import VqCodec
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.tokenizers.vqgan_codec import to_input, to_rgb
from dalle_model.train.checkpoint_folders import RunFolder
from dalle_model.train.code_use import CodeWatch
from dalle_model.train.images import (
    ImageSource,
    TrainingImages,
    open_together,
    remove_images,
)
from dalle_model.train.kmeans import fit_centroids
from dalle_model.train.loop import Hook, run
from dalle_model.train.measures import measure, measure_while_training, parts_of
from dalle_model.train.origin import origin_of
from dalle_model.train.parallel import sums
from dalle_model.train.pictures import codec_pictures
from dalle_model.train.place import ALONE, Place, joined, refuse_parts
from dalle_model.train.speed import Pace
from dalle_model.train.state import RunState, begin
from dalle_model.train.vq_task import VqTask, with_codebook
from dalle_model.train.watch import NOWHERE, Logs, watching

# Shape letters: B batch, C colour channels (3), S side in pixels, G grid side, P values of a patch
# (192).

_KMEANS_PATCHES = 2**18  # chosen: 256 for each of 1,024 codes; k-means holds 0.8 GB of as many


def train_from_images(
    source: ImageSource,
    out_url: str,
    config: VqConfig,
    settings: VqTraining,
    on_step: OnStep,
    resample: Resample = FIRST_RESAMPLE,
    logs: Logs = NOWHERE,
) -> dict[str, Any]:
    """Train on images, measure on those held out, and write a checkpoint.

    An interrupted run goes on from its checkpoints next to `out_url`; where something has changed
    that decides the weights, another begins beside them. The images are kept next to it too,
    decoded, until the end.

    Args:
        source: of the images, of which those smaller than the config's image shape are left out.
        out_url: URL of the checkpoint.
        config: sizes of the model.
        settings: of the training.
        on_step: called after each step with the running means of `loss` and `mse`, and the
            `held_out_psnr` of the averaged weights as it was measured last.
        resample: the filter that scales the images, which the checkpoint names.
        logs: where `metrics.jsonl`, pictures and trackers are written.

    Returns:
        As `dalle_model.train.measures.measure`, and `context_share`: of the held-out codes, how
        many change where the encoder's trunk is left out.

    Raises:
        ImagesError: too few images to train on some and hold others out.
        ParallelError: weights in parts were asked for, or there is no card.
        DivergedError: the loss is not finite.
    """
    refuse_parts(settings, "vq")
    side = square_edge("vq.model.image_shape: images", config.image_shape)
    augmentation = Augmentation("shift", side, settings.max_shift, settings.seed, resample)
    with torch_threads(settings.threads), joined(settings.device) as place:
        images = open_together(source, out_url, augmentation)
        draw = codec_pictures(images.held_out, lambda state, rgb: reconstructed(_kept(state), rgb))
        with watching(logs, settings, Pace("images"), draw) as hooks:
            model = train_vq(images, config, settings, on_step, out_url, hooks, place)
        chosen = (config.num_codes, settings.kmeans_iterations, settings.seed)
        centroids = fit_centroids(images.train.first(_compared(side)), *chosen)
        codec = VqCodec(model, vq_facts(out_url, "", config.to_dict(), {"resample": resample}))
        metrics = measure(codec, centroids, images.train, images.held_out, place)
        metrics["context_share"] = round(context_share(codec, images.held_out, place), 3)
        if place.rank == 0:
            extra = {"metrics": metrics, "settings": asdict(settings), "resample": resample}
            save_checkpoint(out_url, "vq", model.state_dict(), config.to_dict(), extra)
            if not settings.keep_finished:
                _folder(out_url, images, config, settings).remove()
        remove_images(out_url)
    return metrics


def train_vq(
    images: TrainingImages,
    config: VqConfig,
    settings: VqTraining,
    on_step: OnStep,
    out_url: str | None = None,
    hooks: Sequence[Hook] = (),
    place: Place = ALONE,
) -> Vq:
    """Train a model; equal arguments and equal threads give equal weights.

    Args:
        images: squares of the config's image shape.
        config: sizes of the model.
        settings: of the training.
        on_step: as for `train_from_images`.
        out_url: URL of what is made, next to which the checkpoints of the run are; None to save
            nothing.
        hooks: called after each step, once it is measured.
        place: of this process among those that train together.

    Returns:
        The model with averaged weights, on the CPU.
    """

    def measured(model: Vq) -> dict[str, float]:
        return measure_while_training(partial(reconstructed, model), images.held_out, place)

    task = VqTask(config, settings, measured, place)
    state = begin(task, settings, place)
    folder = None if out_url is None else _folder(out_url, images, config, settings)
    stream = TokenStream(images.reader, settings.batch_size, place.rank, place.ranks)
    batches = TokenLoader(stream, settings.workers)
    watch = CodeWatch(task.code_use, settings.warmup_steps, task.judge)

    def start() -> None:
        task.start(images.reader, state.averaged)

    run(state, batches, settings, folder, on_step, start, [watch, *hooks])
    return _kept(state).cpu().eval()


def _kept(state: RunState) -> Vq:
    """The averaged weights with the codebook of the model."""
    model, averaged = state.task.model, state.trained
    assert isinstance(model, Vq)
    assert isinstance(averaged, Vq)
    return with_codebook(averaged, model)


def _folder(
    out_url: str, images: TrainingImages, config: VqConfig, settings: VqTraining
) -> RunFolder:
    """Where the checkpoints of a run are."""
    return RunFolder(out_url, origin_of(settings, config.to_dict(), images.digest))


def context_share(codec: VqCodec, images: Squares, place: Place = ALONE) -> float:
    """Share of codes that are others where the encoder sees each patch alone."""
    differ = [_differ(codec, part) for part in parts_of(images, place)]
    counts = {"others": sum(int(d.sum()) for d in differ), "all": sum(d.size for d in differ)}
    total = sums(counts, place)
    return total["others"] / total["all"]


def _differ(codec: VqCodec, images: Rgb) -> npt.NDArray[np.bool_]:
    x_BCSS = to_input(images)
    with torch.inference_mode():
        patches_BPGG = functional.pixel_unshuffle(x_BCSS, PATCH)
        codes_BGG = codec.model.nearest(codec.model.encoder.without_context(patches_BPGG))
    return np.asarray(codes_BGG.flatten(1).numpy() != codec.encode(images))


@torch.inference_mode()
def reconstructed(model: Vq, images: Rgb) -> Rgb:
    """Images, uint8 `(B, S, S, 3)`, as the codes of a model have them; it stays where it is."""
    x_BCSS = to_input(images).to(model.codebook.device)
    return to_rgb(model.decode(model.encode(x_BCSS)).cpu())


def _compared(side: int) -> int:
    """How many images k-means is fitted to, together with their mirror images."""
    return max(1, _KMEANS_PATCHES // (2 * (side // PATCH) ** 2))
