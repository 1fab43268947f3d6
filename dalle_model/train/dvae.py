"""Training the dVAE on the relaxed bound, and measuring it on held-out images."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import nn

from dalle_model.checkpoint import save_checkpoint
from dalle_model.config import FIRST_RESAMPLE, DvaeConfig, Resample
from dalle_model.data.augment import Augmentation
from dalle_model.data.torch import TokenLoader, TokenStream
from dalle_model.pixels import Rgb
from dalle_model.progress import OnStep
from dalle_model.settings import DvaeTraining
from dalle_model.threads import torch_threads
from dalle_model.token_shape import square_edge
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.tokenizers.dvae import Dvae, to_input, to_rgb
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.facts import dvae_facts
from dalle_model.train.checkpoint_folders import RunFolder
from dalle_model.train.code_use import CodeWatch
from dalle_model.train.dvae_task import DvaeTask
from dalle_model.train.images import (
    ImageSource,
    TrainingImages,
    open_together,
    remove_images,
)
from dalle_model.train.loop import Hook, run
from dalle_model.train.measures import measure, measure_while_training
from dalle_model.train.origin import origin_of
from dalle_model.train.pictures import codec_pictures
from dalle_model.train.place import ALONE, Place, joined, refuse_parts
from dalle_model.train.speed import Pace
from dalle_model.train.state import begin
from dalle_model.train.watch import NOWHERE, Logs, watching


def train_from_images(
    source: ImageSource,
    out_url: str,
    config: DvaeConfig,
    settings: DvaeTraining,
    on_step: OnStep,
    resample: Resample = FIRST_RESAMPLE,
    logs: Logs = NOWHERE,
) -> dict[str, Any]:
    """Train on images, measure on those held out, and write a checkpoint.

    An interrupted run goes on from its checkpoints next to `out_url`. The images are kept next to
    it too, decoded, until the end.

    Args:
        source: of the images, of which those of a shorter edge below `config.side` are left out.
        out_url: URL of the checkpoint.
        config: sizes of the dVAE.
        settings: of the training.
        on_step: as for `train_dvae`.
        resample: the filter that scales the images, which the checkpoint names.
        logs: where `metrics.jsonl`, pictures and trackers are written.

    Returns:
        As `dalle_model.train.measures.measure`.

    Raises:
        ImagesError: too few images to train on some and hold others out.
        ParallelError: weights in parts were asked for, or there is no card.
        DivergedError: the loss or its gradient is not finite.
    """
    refuse_parts(settings, "dvae")
    side = square_edge("dvae.model: images", config.image_shape)
    augmentation = Augmentation(settings.augment, side, settings.max_shift, settings.seed, resample)
    with torch_threads(settings.threads), joined(settings.device) as place:
        images = open_together(source, out_url, augmentation)
        draw = codec_pictures(images.held_out, lambda state, rgb: reconstructed(state.trained, rgb))
        with watching(logs, settings, Pace("images"), draw) as hooks:
            model = train_dvae(images, config, settings, on_step, out_url, hooks, place)
        facts = dvae_facts(out_url, "", config.to_dict(), {"resample": resample})
        metrics = measure(_codec(model, facts, place), None, images.train, images.held_out, place)
        if place.rank == 0:
            extra = {"metrics": metrics, "settings": asdict(settings), "resample": resample}
            save_checkpoint(out_url, "dvae", model.state_dict(), config.to_dict(), extra)
            if not settings.keep_finished:
                _folder(out_url, images, config, settings).remove()
        remove_images(out_url)
    return metrics


def train_dvae(
    images: TrainingImages,
    config: DvaeConfig,
    settings: DvaeTraining,
    on_step: OnStep,
    out_url: str | None = None,
    hooks: Sequence[Hook] = (),
    place: Place = ALONE,
) -> Dvae:
    """Train a dVAE; equal arguments and equal threads give equal weights.

    Args:
        images: squares of `config.side` px.
        config: sizes of the dVAE.
        settings: of the training.
        on_step: called after each step with the running means of `loss` and its terms, the use of
            the codes, and the `held_out_psnr` of the averaged weights as it was measured last.
        out_url: URL of what is made, next to which the checkpoints of the run are; None to save
            nothing.
        hooks: called after each step, once it is measured.
        place: of this process among those that train together.

    Returns:
        The dVAE with averaged weights, if there are some, on the CPU.

    Raises:
        DivergedError: the loss or its gradient is not finite.

    Source: Ramesh et al. 2021, section 2.1, appendix A.2 and its listing 1.
    """

    def measured(model: Dvae) -> dict[str, float]:
        return measure_while_training(partial(reconstructed, model), images.held_out, place)

    task = DvaeTask(config, settings, measured)
    state = begin(task, settings, place)
    folder = None if out_url is None else _folder(out_url, images, config, settings)
    stream = TokenStream(images.reader, settings.batch_size, place.rank, place.ranks)
    batches = TokenLoader(stream, settings.workers)
    watch = CodeWatch(task.code_use, settings.kl_steps, task.judge)
    run(state, batches, settings, folder, on_step, hooks=[watch, *hooks])
    assert isinstance(state.trained, Dvae)
    return state.trained.cpu().eval()


def _folder(
    out_url: str, images: TrainingImages, config: DvaeConfig, settings: DvaeTraining
) -> RunFolder:
    """Where the checkpoints of a run are."""
    return RunFolder(out_url, origin_of(settings, config.to_dict(), images.digest))


@torch.inference_mode()
def reconstructed(model: nn.Module, images: Rgb) -> Rgb:
    """Images, uint8 `(B, S, S, 3)`, as the codes of a dVAE have them; it stays where it is."""
    assert isinstance(model, Dvae)
    x_BCSS = to_input(images).to(next(model.parameters()).device)
    return to_rgb(model.decode(model.encode(x_BCSS)).cpu())


def _codec(model: Dvae, facts: CodecFacts, place: Place) -> DvaeCodec:
    """Of a model that was trained at a place, where it encodes."""
    codec = DvaeCodec(model, facts)
    return codec if place.device.type == "cpu" else codec.on_device(str(place.device))
