"""Training the prior on token shards: a run that was stopped ends as one that never was.

Which rows a step has, and which BPE merges are dropped in their captions, depends on the seed and
on how many rows came before it; its token noise on the seed and the step.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from dalle_model.checkpoint import CheckpointError
from dalle_model.config import PriorConfig
from dalle_model.data.reader import Text
from dalle_model.data.torch import TokenLoader, TokenStream
from dalle_model.prior.model import num_parameters
from dalle_model.prior.trained import CodesOrigin, TrainedPrior, save_prior
from dalle_model.progress import OnStep
from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.threads import torch_threads
from dalle_model.train.data import (
    Survey,
    TrainingDataError,
    TrainingRows,
    in_order,
    open_rows,
    survey,
)
from dalle_model.train.precision import uses_bfloat16
from dalle_model.train.prior_step import TrainingState, start, train_step
from dalle_model.train.resume import SUFFIX, clear_state, load_state, save_state
from dalle_model.vocab import FRAME_TOKENS, CaptionTokenizer

_LOG = logging.getLogger(__name__)
_KIND = "prior-training"
_DECIDES_NOTHING = ("checkpoint_every", "workers")  # of a weight
_MAY_CHANGE = ("steps", "threads")  # in a run: how fast the rates fall from there on, and rounding


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

    An interrupted run goes on from the state saved next to `out_url`. With other `steps` or
    `threads` it goes on as well, and the log says so; with other values of anything else that
    decides the weights it begins anew, and the log says of what.

    Returns:
        The metrics, which are also saved in the checkpoint.

    Raises:
        ShardError: a shard is unreadable, or of another codec than the others.
        TrainingDataError: no rows to train on, or tokens that do not fit the config.
        CheckpointError: the saved state has taken more steps than are asked for.
        DivergedError: the loss or its gradient is not finite.
    """
    rows = open_rows(shard_urls, choice)
    metadata = rows.source.metadata
    codes = CodesOrigin(metadata.codec_sha256, metadata.grid, metadata.num_codes)
    _check_fit(codes, tokenizer, config)
    surveyed = survey(rows, tokenizer, config.text_len)
    _warn_of_cuts(surveyed.captions_cut, len(rows.source), config.text_len)
    with torch_threads(settings.threads):
        state = train_prior(rows, tokenizer, config, settings, on_step, out_url)
    metrics = _metrics(state, rows, surveyed, settings) | {"choice": asdict(choice)}
    save_prior(out_url, TrainedPrior(state.prior, tokenizer, codes, metrics))
    clear_state(out_url)
    return metrics


def train_prior(
    rows: TrainingRows,
    tokenizer: CaptionTokenizer,
    config: PriorConfig,
    settings: PriorTraining,
    on_step: OnStep,
    out_url: str | None = None,
) -> TrainingState:
    """Train on rows, of which a window of row groups is held at a time.

    Args:
        rows: to train on.
        tokenizer: of the captions.
        config: sizes of the prior.
        settings: of the training.
        on_step: called after each step with the running means of `loss`, `image_ce` and `text_ce`,
            in nats per token.
        out_url: URL of the future checkpoint, next to which the state of an unfinished run is
            saved; None to save nothing.
    """
    origin = _origin(rows, tokenizer, config, settings)
    state = start(config, settings)
    if out_url is not None:
        saved = load_state(out_url, _KIND, state, partial(_continues, out_url, origin))
        state.position = saved["position"] if saved else 0
    batches = _loader(rows, tokenizer, config, settings)
    batches.load_state_dict({"position": state.position})
    for _, batch in zip(range(state.step, settings.steps), batches, strict=False):
        train_step(state, settings, batch)
        on_step(state.step, settings.steps, state.recent)
        if out_url is not None and state.step % settings.checkpoint_every == 0:
            save_state(out_url, _KIND, state, {"origin": origin, "position": state.position})
    state.prior.eval()
    return state


def _origin(
    rows: TrainingRows, tokenizer: CaptionTokenizer, config: PriorConfig, settings: PriorTraining
) -> dict[str, Any]:
    """What the next step depends on, apart from the state itself, as JSON has it."""
    document = {
        **{name: v for name, v in asdict(settings).items() if name not in _DECIDES_NOTHING},
        "the sizes of the prior": config.to_dict(),
        "the text tokenizer": tokenizer.sha256,
        "the rows": rows.sha256,
    }
    return dict(json.loads(json.dumps(document)))


def _continues(url: str, origin: Mapping[str, Any], saved: Mapping[str, Any]) -> bool:
    """Whether to go on from a saved state; says so where another run was meant.

    Raises:
        CheckpointError: it has taken more steps than are asked for.
    """
    before, step = saved.get("origin", {}), saved["step"]
    changed = [name for name in origin if before.get(name) != origin[name]]
    if decisive := [name for name in changed if name not in _MAY_CHANGE]:
        _LOG.warning(
            "training begins anew: %s is a run of %d steps with other values of %s, and is "
            "replaced by the first state of this one",
            *(url + SUFFIX, step, ", ".join(decisive)),
        )
        return False
    if step > origin["steps"]:
        raise CheckpointError(
            f"{url + SUFFIX} has taken {step} steps, and `prior.training.steps` is "
            f"{origin['steps']}: give at least {step} to go on, or delete it to begin anew"
        )
    for name in changed:
        _LOG.warning(
            "training goes on from step %d with %s %s, before %s: the weights are not bit for bit "
            "those of a run that had them from its start",
            *(step, name, origin[name], before[name]),
        )
    return True


def _loader(
    rows: TrainingRows, tokenizer: CaptionTokenizer, config: PriorConfig, settings: PriorTraining
) -> TokenLoader:
    """Batches of keys, text ids and codes, read and encoded ahead where there are workers."""
    text = Text(tokenizer, config.text_len, config.text_vocab, settings.bpe_dropout, settings.seed)
    reader = in_order(rows, text, settings.seed)
    return TokenLoader(TokenStream(reader, settings.batch_size), settings.workers)


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


def _warn_of_cuts(num_cut: int, num_rows: int, text_len: int) -> None:
    if num_cut:
        _LOG.warning(
            "captions cut: %d of %d are longer than the %d tokens that the prior reads; "
            "their ends are left out",
            *(num_cut, num_rows, text_len - FRAME_TOKENS),
        )


def _metrics(
    state: TrainingState, rows: TrainingRows, surveyed: Survey, settings: PriorTraining
) -> dict[str, Any]:
    return {
        **state.recent,
        "steps": state.step,
        "pairs": len(rows.source),
        "pairs_left_out": rows.num_left_out,
        "rows_sha256": rows.sha256,
        "images": surveyed.images,
        "captions_cut": surveyed.captions_cut,
        "parameters": num_parameters(state.prior),
        "precision": "bfloat16" if uses_bfloat16(settings.precision) else "float32",
    }
