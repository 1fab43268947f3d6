"""Training a CLIP on pairs of images and captions, and measuring it on those held out."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from dalle_model import files
from dalle_model.clip.architecture import Architecture
from dalle_model.clip.config import MEAN, STD, ClipConfig
from dalle_model.clip.settings import ClipTraining
from dalle_model.clip.trained import TrainedClip, save_clip
from dalle_model.config import FIRST_RESAMPLE, Resample
from dalle_model.data.augment import Augmentation
from dalle_model.data.pair_reader import Captions, PairReader
from dalle_model.data.torch import TokenLoader, TokenStream
from dalle_model.progress import OnStep
from dalle_model.threads import torch_threads
from dalle_model.train.checkpoint_folders import RunFolder
from dalle_model.train.clip_measures import measure_pairs
from dalle_model.train.clip_task import ClipTask
from dalle_model.train.images import (
    ImageSource,
    TrainingImages,
    open_together,
    remove_images,
)
from dalle_model.train.loop import Hook, run
from dalle_model.train.origin import Origin, origin_of
from dalle_model.train.place import ALONE, Place, joined
from dalle_model.train.precision import resolved
from dalle_model.train.speed import Pace
from dalle_model.train.state import RunState, begin
from dalle_model.train.watch import NOWHERE, Logs, watching
from dalle_model.vocab import CaptionTokenizer, train_bpe


@dataclass(frozen=True)
class PairSource:
    """Images and their captions, from wherever they are.

    Args:
        images: decoded.
        captions: gives those of each image by its part of the key, all of them held in memory.
    """

    images: ImageSource
    captions: Callable[[], Mapping[str, Sequence[str]]]


@dataclass(frozen=True)
class TrainingPairs:
    """Pairs to train on and to measure by; an image is in one of the two with all its captions.

    Args:
        images: in their file.
        captions: by the image's part of the key.
        digest: of the keys and pixels of all images, and of all captions.
    """

    images: TrainingImages
    captions: Captions
    digest: str

    def held_out(self) -> list[str]:
        """The first caption of each image that is held out."""
        return [self.captions[key][0] for key in self.images.held_out.keys]

    def tokenizer(self, vocab_size: int) -> CaptionTokenizer:
        """BPE of the captions that are trained on."""
        trained_on = (text for key in self.images.train.keys for text in self.captions[key])
        return CaptionTokenizer(train_bpe(trained_on, vocab_size))


def train_from_pairs(
    source: PairSource,
    out_url: str,
    config: ClipConfig,
    settings: ClipTraining,
    on_step: OnStep,
    resample: Resample = FIRST_RESAMPLE,
    logs: Logs = NOWHERE,
) -> dict[str, Any]:
    """Train on pairs, measure on those held out, and write a checkpoint that `load_clip` reads.

    An interrupted run goes on from its checkpoints next to `out_url`. The images are kept next to
    it too, decoded, until the end.

    Args:
        source: of the pairs; images smaller than the model's are left out.
        out_url: URL of the checkpoint, which rank 0 writes.
        config: sizes of the model.
        settings: of the training.
        on_step: as for `train_clip`, on rank 0.
        resample: the filter that scales the images, where they are larger.
        logs: where `metrics.jsonl` and trackers are written.

    Returns:
        `pairs`, `images` and `held_out` images, `parameters`, `steps`, and as `measure_pairs` of
        all held-out images.

    Raises:
        ImagesError: too few images to train on some and hold others out.
        ParallelError: processes cannot share this training.
        DivergedError: the loss is not finite.
    """
    side, shift = config.image_size, settings.max_shift
    augmentation = Augmentation("shift", side, shift, settings.seed, resample, mirrors=False)
    with joined(settings.device) as place:
        pairs = open_pairs(source, out_url, augmentation)
        tokenizer = pairs.tokenizer(config.vocab_size)
        with torch_threads(settings.threads), watching(logs, settings, Pace("pairs")) as hooks:
            state = train_clip(pairs, tokenizer, config, settings, on_step, out_url, hooks, place)
            trained = trained_clip(state, tokenizer, config)
            figures = _measure(trained.model, pairs, tokenizer, most=None)
    metrics = _metrics(pairs, state, settings) | figures
    if place.rank == 0:
        saved = {**metrics, "settings": asdict(settings)}
        save_clip(out_url, TrainedClip(trained.model, trained.architecture, tokenizer, saved))
        if not settings.keep_finished:
            RunFolder(out_url, _origin(pairs, config, settings)).remove()
    remove_images(out_url)
    return metrics


def open_pairs(source: PairSource, out_url: str, augmentation: Augmentation) -> TrainingPairs:
    """Decode images into a file next to what is trained, unless that has been done.

    Processes that train together must all call this.
    """
    images, captions = open_together(source.images, out_url, augmentation), source.captions()
    kept = {key: captions[key] for part in (images.train, images.held_out) for key in part.keys}
    digest = files.sha256(files.json_bytes([images.digest, kept]))
    return TrainingPairs(images, kept, digest)


def train_clip(
    pairs: TrainingPairs,
    tokenizer: CaptionTokenizer,
    config: ClipConfig,
    settings: ClipTraining,
    on_step: OnStep,
    out_url: str | None = None,
    hooks: Sequence[Hook] = (),
    place: Place = ALONE,
) -> RunState:
    """Train a model; equal arguments and equal threads give equal weights.

    Args:
        pairs: to train on, and to measure by.
        tokenizer: of the captions.
        config: sizes of the model.
        settings: of the training.
        on_step: called after each step with the running mean of the `loss`, in nats, and the
            figures of `measure_pairs` as they were measured last.
        out_url: URL of what is made, next to which the checkpoints of the run are; None to save
            nothing.
        hooks: called after each step, once it is measured.
        place: of this process among those that train together.
    """
    with torch.random.fork_rng(devices=[]):  # the global random numbers are left untouched
        torch.manual_seed(settings.seed)
        model = architecture(config, tokenizer).build()
    _any(model).logit_scale.data.fill_(-math.log(settings.temperature))

    def measured(model: nn.Module) -> dict[str, float]:
        return _measure(model, pairs, tokenizer)

    task = ClipTask(model, config.to_dict(), tokenizer, settings, measured, place)
    state = begin(task, settings, place)
    folder = None if out_url is None else RunFolder(out_url, _origin(pairs, config, settings))
    reader = PairReader(pairs.images.reader, pairs.captions, settings.seed)
    stream = TokenStream(reader, settings.batch_size, place.rank, place.ranks)
    run(state, TokenLoader(stream, settings.workers), settings, folder, on_step, hooks=hooks)
    return state


def trained_clip(state: RunState, tokenizer: CaptionTokenizer, config: ClipConfig) -> TrainedClip:
    """The model of a run on the CPU; all processes must call this."""
    of = architecture(config, tokenizer)
    model = of.build()
    model.load_state_dict(state.parallel.weights(state.trained))
    return TrainedClip(model.eval(), of, tokenizer, {})


def architecture(config: ClipConfig, tokenizer: CaptionTokenizer) -> Architecture:
    """open_clip's model of some sizes, and how it is given images."""
    preprocess = {"size": config.image_size, "mean": list(MEAN), "std": list(STD)}
    return Architecture("this CLIP", config.open_clip(tokenizer.size), preprocess)


def _measure(
    model: nn.Module, pairs: TrainingPairs, tokenizer: CaptionTokenizer, **most: int | None
) -> dict[str, float]:
    held_out, captions = pairs.images.held_out, pairs.held_out()
    return measure_pairs(model, tokenizer, held_out, captions, **most)


def _metrics(pairs: TrainingPairs, state: RunState, settings: ClipTraining) -> dict[str, Any]:
    trained_on = pairs.images.train.keys
    return {
        "images": len(trained_on),
        "pairs": sum(len(pairs.captions[key]) for key in trained_on),
        "held_out": len(pairs.images.held_out),
        "parameters": sum(weight.numel() for weight in state.task.model.parameters()),
        "steps": state.step,
        "loss": state.recent["loss"],
        "precision": resolved(settings.precision),
    }


def _origin(pairs: TrainingPairs, config: ClipConfig, settings: ClipTraining) -> Origin:
    """What the steps of a run depend on."""
    return origin_of(settings, config.to_dict(), pairs.digest)


def _any(model: nn.Module) -> Any:
    return model
