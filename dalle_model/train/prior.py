"""Training the prior, in steps whose random numbers depend only on the seed and the step.

Rows, dropped BPE merges and token noise of step s are drawn from the seed and s alone, so a run
that is resumed from its saved state is bit for bit the run that was never interrupted.
"""

import logging
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from dalle_model.config import PriorConfig
from dalle_model.pixels import Codes
from dalle_model.prior.model import num_parameters
from dalle_model.prior.trained import CodesOrigin, TrainedPrior, save_prior
from dalle_model.progress import OnStep
from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.shards import image_of
from dalle_model.threads import torch_threads
from dalle_model.train.data import Pairs, TrainingDataError, batch_rows, load_pairs
from dalle_model.train.precision import uses_bfloat16
from dalle_model.train.prior_step import TrainingState, start, train_step
from dalle_model.train.resume import clear_state, load_state, save_state, state_digest
from dalle_model.vocab import FRAME_TOKENS, CaptionTokenizer

_LOG = logging.getLogger(__name__)
_KIND = "prior-training"


def train_from_shards(
    shard_urls: list[str],
    tokenizer: CaptionTokenizer,
    out_url: str,
    config: PriorConfig,
    settings: PriorTraining,
    choice: PairChoice,
    on_step: OnStep,
) -> dict[str, Any]:
    """Train on token shards and write a checkpoint that `load_prior` reads.

    An interrupted run is resumed from the state saved next to `out_url`, unless something that
    the training depends on has changed.

    Returns:
        The metrics, which are also saved in the checkpoint.

    Raises:
        ShardError: a shard is unreadable, or of another codec than the others.
        TrainingDataError: no rows to train on, or tokens that do not fit the config.
    """
    pairs = load_pairs(shard_urls, choice)
    codes = CodesOrigin(pairs.metadata.codec_sha256, pairs.metadata.grid, pairs.metadata.num_codes)
    _check_fit(codes, tokenizer, config)
    num_cut = _count_cuts(pairs.captions, tokenizer, config.text_len)
    with torch_threads(settings.threads):
        state = train_prior(
            pairs.image_tokens, pairs.captions, tokenizer, config, settings, on_step, out_url
        )
    metrics = _metrics(state, pairs, settings) | {"captions_cut": num_cut}
    save_prior(out_url, TrainedPrior(state.prior, tokenizer, codes, metrics))
    clear_state(out_url)
    return metrics


def train_prior(
    image_tokens: Codes,
    captions: list[str],
    tokenizer: CaptionTokenizer,
    config: PriorConfig,
    settings: PriorTraining,
    on_step: OnStep,
    out_url: str | None = None,
) -> TrainingState:
    """Train on pairs held in memory.

    Args:
        image_tokens: `(pairs, grid * grid)`.
        captions: one for each pair.
        tokenizer: of the captions.
        config: sizes of the prior.
        settings: of the training.
        on_step: called after each step with the running means of `loss`, `image_ce` and `text_ce`,
            in nats per token.
        out_url: URL of the future checkpoint, next to which the state of an unfinished run is
            saved; None to save nothing.
    """
    digest = state_digest(asdict(settings), config.to_dict(), tokenizer, image_tokens, captions)
    state = start(config, settings)
    if out_url is not None:
        load_state(out_url, _KIND, state, lambda extra: extra["digest"] == digest)
    images = torch.from_numpy(image_tokens.astype(np.int64))
    while state.step < settings.steps:
        rows = batch_rows(state.step, len(captions), settings.batch_size, settings.seed)
        text_BT = torch.from_numpy(
            tokenizer.encode_batch(
                [captions[row] for row in rows],
                config.text_len,
                config.text_vocab,
                settings.bpe_dropout,
                settings.seed + state.step,
            )
        )
        train_step(state, settings, text_BT, images[torch.from_numpy(rows)])
        on_step(state.step, settings.steps, state.recent)
        if out_url is not None and state.step % settings.checkpoint_every == 0:
            save_state(out_url, _KIND, state, {"digest": digest})
    state.prior.eval()
    return state


def _check_fit(codes: CodesOrigin, tokenizer: CaptionTokenizer, config: PriorConfig) -> None:
    for name, needed, given in (
        ("grid", config.grid, codes.grid),
        ("image_vocab", config.image_vocab, codes.num_codes),
    ):
        if needed != given:
            raise TrainingDataError(
                f"this prior is made for {name} {needed}, but the codec of the shards has {given}; "
                "take the preset of the prior that goes with the codec, or another codec"
            )
    if tokenizer.size > config.text_vocab:
        raise TrainingDataError(
            f"this prior has room for {config.text_vocab} text tokens, but the text tokenizer has "
            f"{tokenizer.size}; lower `bpe.vocab_size` to {config.text_vocab}, or take a larger "
            "preset of the prior"
        )


def _count_cuts(captions: list[str], tokenizer: CaptionTokenizer, text_len: int) -> int:
    """Captions whose ends do not fit the text positions; dropped merges may cut a few others."""
    num_cut = sum(tokenizer.cut(caption, text_len) is not None for caption in captions)
    if num_cut:
        _LOG.warning(
            "captions cut: %d of %d are longer than the %d tokens that the prior reads; "
            "their ends are left out",
            *(num_cut, len(captions), text_len - FRAME_TOKENS),
        )
    return num_cut


def _metrics(state: TrainingState, pairs: Pairs, settings: PriorTraining) -> dict[str, Any]:
    return {
        **state.recent,
        "steps": state.step,
        "skipped_steps": state.skipped,
        "pairs": len(pairs.keys),
        "pairs_left_out": pairs.num_left_out,
        "images": len({image_of(key) for key in pairs.keys}),
        "parameters": num_parameters(state.prior),
        "precision": "bfloat16" if uses_bfloat16(settings.precision) else "float32",
        "keys": pairs.keys,
    }
