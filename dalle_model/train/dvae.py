"""Training the dVAE on the relaxed bound, and measuring it on held-out images."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from torch import nn

from dalle_model import files
from dalle_model.checkpoint import save_checkpoint
from dalle_model.config import FIRST_RESAMPLE, DvaeConfig, Resample
from dalle_model.evaluate.reconstruction import psnr
from dalle_model.pixels import Rgb
from dalle_model.progress import OnStep
from dalle_model.settings import DvaeTraining
from dalle_model.threads import torch_threads
from dalle_model.tokenizers.dvae import Dvae
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.facts import dvae_facts
from dalle_model.train.drawn import DrawnImages
from dalle_model.train.dvae_task import DvaeTask
from dalle_model.train.images import Images
from dalle_model.train.loop import Hook, run
from dalle_model.train.measures import decode, encode, measure
from dalle_model.train.origin import origin_of
from dalle_model.train.pictures import codec_pictures
from dalle_model.train.resume import clear_state
from dalle_model.train.speed import Pace
from dalle_model.train.state import begin
from dalle_model.train.watch import NOWHERE, Logs, watching


def train_from_images(
    images: Images,
    out_url: str,
    config: DvaeConfig,
    settings: DvaeTraining,
    on_step: OnStep,
    resample: Resample = FIRST_RESAMPLE,
    logs: Logs = NOWHERE,
) -> dict[str, Any]:
    """Train on images, measure on those held out, and write a checkpoint.

    An interrupted run goes on from the state saved next to `out_url`.

    Args:
        images: squares of `config.side` px; see `Images.split` for those held out.
        out_url: URL of the checkpoint.
        config: sizes of the dVAE.
        settings: of the training.
        on_step: as for `train_dvae`.
        resample: the filter that scaled the images, which the checkpoint names.
        logs: where `metrics.jsonl`, pictures and trackers are written.

    Returns:
        `images` and `held_out`: how many were trained on and held out; `psnr`, in dB on the
        held-out images; `codes_used` and `perplexity`, on all.

    Raises:
        ImagesError: too few images to train on some and hold others out.
        DivergedError: the loss is not finite.
    """
    train, held_out = images.split(out_url)
    draw = codec_pictures(held_out, lambda state: _codec(state.trained))
    with (
        torch_threads(settings.threads),
        watching(logs, settings, Pace("images"), draw) as hooks,
    ):
        model = train_dvae(train, held_out, config, settings, on_step, out_url, hooks)
        codec = DvaeCodec(model, dvae_facts(out_url, "", config.to_dict(), {"resample": resample}))
        metrics = measure(codec, None, train, held_out)
    extra = {"metrics": metrics, "settings": asdict(settings), "resample": resample}
    save_checkpoint(out_url, "dvae", model.state_dict(), config.to_dict(), extra)
    clear_state(out_url)
    return metrics


def train_dvae(
    train: Rgb,
    held_out: Rgb,
    config: DvaeConfig,
    settings: DvaeTraining,
    on_step: OnStep,
    out_url: str | None = None,
    hooks: Sequence[Hook] = (),
) -> Dvae:
    """Train a dVAE; equal arguments and equal threads give equal weights.

    Args:
        train: uint8 `(N, side, side, 3)`; shifted and mirrored at random.
        held_out: the same; only measured.
        config: sizes of the dVAE.
        settings: of the training.
        on_step: called after each step with the running means of `loss` and its terms, and the
            `held_out_psnr` of the averaged weights as it was measured last.
        out_url: URL of the future checkpoint, next to which the state of an unfinished run is
            saved; None to save nothing.
        hooks: called after each step, once it is measured.

    Returns:
        The dVAE with averaged weights.

    Raises:
        DivergedError: the loss or its gradient is not finite.

    Source: Ramesh et al. 2021, section 2.1, appendix A.2 and its listing 1.
    """
    batches = DrawnImages(train, settings.batch_size, settings.max_shift, settings.seed)
    state = begin(DvaeTask(config, settings, partial(_held_out_psnr, held_out)), settings)
    origin = origin_of(out_url, settings, config.to_dict(), files.sha256(train.tobytes()))
    run(state, batches, settings, origin, on_step, hooks=hooks)
    assert isinstance(state.trained, Dvae)
    return state.trained.eval()


def _held_out_psnr(held_out: Rgb, model: Dvae) -> dict[str, float]:
    codec = _codec(model)
    reached = psnr(held_out, decode(codec, encode(codec, held_out)))
    return {"held_out_psnr": round(reached, 3)}


def _codec(model: nn.Module) -> DvaeCodec:
    """The codec of a model in training."""
    assert isinstance(model, Dvae)
    return DvaeCodec(model, dvae_facts("", "", model.config.to_dict(), {}))
