"""Training the prior on token shards: a run that was stopped ends as one that never was.

Which rows a step has, and which BPE merges are dropped in their captions, depends on the seed and
on how many rows came before it; its token noise on the seed, the row and the step.
"""

from collections.abc import Sequence
from typing import Any

from dalle_model.config import PriorConfig
from dalle_model.data.reader import Text
from dalle_model.prior.costs import flops, stream_len
from dalle_model.prior.model import Prior
from dalle_model.prior.trained import TrainedPrior, check_codec, save_prior
from dalle_model.progress import OnStep
from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.threads import torch_threads
from dalle_model.tokenizers.registry import load_codec
from dalle_model.train.beginning import Beginning
from dalle_model.train.checkpoint_folders import RunFolder
from dalle_model.train.data import (
    TrainingDataError,
    TrainingRows,
    open_rows,
    survey,
)
from dalle_model.train.loop import Hook, run
from dalle_model.train.origin import Origin, origin_of
from dalle_model.train.pictures import prior_pictures
from dalle_model.train.place import ALONE, Place, joined
from dalle_model.train.prior_task import PriorTask
from dalle_model.train.speed import Pace
from dalle_model.train.state import RunState, begin
from dalle_model.train.token_rows import (
    check_codes,
    check_text,
    codes_of,
    held_out_batches,
    loader,
    metrics_of,
    warn_of_cuts,
)
from dalle_model.train.watch import NOWHERE, Logs, watching
from dalle_model.vocab import CaptionTokenizer


def train_from_shards(  # noqa: PLR0913 - one for each side of a training
    shard_urls: list[str],
    tokenizer: CaptionTokenizer,
    out_url: str,
    config: PriorConfig,
    settings: PriorTraining,
    choice: PairChoice,
    on_step: OnStep,
    logs: Logs = NOWHERE,
    beginning: Beginning | None = None,
) -> dict[str, Any]:
    """Train on token shards and write a checkpoint that `load_prior` reads.

    An interrupted run goes on from its checkpoints next to `out_url`. With other `steps` or
    `threads` it goes on as well, and the log says so; with other values of anything else that
    decides the weights it begins anew beside them, and the log says of what.

    Args:
        shard_urls: token shards of one codec.
        tokenizer: of their captions.
        out_url: URL of the checkpoint, which rank 0 writes.
        config: sizes of the prior.
        settings: of the training.
        choice: of rows.
        on_step: as for `train_prior`, on rank 0.
        logs: where `metrics.jsonl`, pictures and trackers are written.
        beginning: a prior whose weights are the first, and whose sizes and text tokenizer stand in
            the place of the given ones; None for random weights.

    Returns:
        The metrics, which are also saved in the checkpoint.

    Raises:
        ShardError: a shard is unreadable, or of another codec than the others.
        TrainingDataError: no rows to train on, or tokens that do not fit the config.
        CheckpointError: no checkpoint of the run can be used, or it has taken more steps than are
            asked for.
        DivergedError: the loss or its gradient is not finite.
    """
    rows = open_rows(shard_urls, choice)
    codes = codes_of(rows)
    if beginning is not None:
        beginning.check(codes)
        tokenizer, config = beginning.trained.tokenizer, beginning.trained.prior.config
        rows = beginning.rows(rows, shard_urls)
    check_codes(codes, "prior", config.grid, config.image_vocab)
    check_text(tokenizer.size, "prior", config.text_vocab)
    surveyed = survey(rows, tokenizer, config.text_len)
    warn_of_cuts(surveyed, rows, config.text_len)
    if rows.held_out is None and settings.schedule == "plateau":
        raise TrainingDataError(
            "the schedule `plateau` goes by rows that are held out, and none are; set "
            "`prior.pairs.held_out` to their share, or `prior.training.schedule: cosine`"
        )
    draw = None
    if settings.grid_every is not None and logs.codec_url:
        codec = load_codec(logs.codec_url)
        check_codec(logs.codec_url, codes, codec.facts)
        shown = rows.source if rows.held_out is None else rows.held_out
        draw = prior_pictures(shown, codec, tokenizer, codes, config.text_len, settings.seed)
    pace = Pace("tokens", stream_len(config), flops(config))
    with (
        torch_threads(settings.threads),
        joined(settings.device) as place,
        watching(logs, settings, pace, draw) as hooks,
    ):
        state = train_prior(
            rows, tokenizer, config, settings, on_step, out_url, hooks, place, beginning
        )
        prior = trained_prior(state)
    metrics = metrics_of(state, rows, surveyed, settings, choice)
    if place.rank == 0:
        save_prior(out_url, TrainedPrior(prior, tokenizer, codes, metrics))
        if not settings.keep_finished:
            RunFolder(out_url, _origin(rows, tokenizer, config, settings, beginning)).remove()
    return metrics


def train_prior(  # noqa: PLR0913 - likewise
    rows: TrainingRows,
    tokenizer: CaptionTokenizer,
    config: PriorConfig,
    settings: PriorTraining,
    on_step: OnStep,
    out_url: str | None = None,
    hooks: Sequence[Hook] = (),
    place: Place = ALONE,
    beginning: Beginning | None = None,
) -> RunState:
    """Train on rows, of which a window of row groups is held at a time.

    Args:
        rows: to train on, and to measure.
        tokenizer: of the captions.
        config: sizes of the prior.
        settings: of the training.
        on_step: called after each step with the running means of `loss`, `image_ce` and `text_ce`,
            in nats per token, and those of what is held out, as they were measured last.
        out_url: URL of what is made, next to which the checkpoints of the run are; None to save
            nothing.
        hooks: called after each step, once it is measured.
        place: of this process among those that train together.
        beginning: whose weights are the first; None for random ones.
    """
    plain = Text(tokenizer, config.text_len, config.text_vocab)
    held_out = held_out_batches(rows.held_out, plain, settings, place)
    task = PriorTask(config, settings, held_out, place)
    if beginning is not None:
        beginning.set(task.model)
    state = begin(task, settings, place)
    origin = _origin(rows, tokenizer, config, settings, beginning)
    folder = None if out_url is None else RunFolder(out_url, origin)
    dropouts = (settings.bpe_dropout, settings.seed, settings.caption_dropout)
    text = Text(tokenizer, config.text_len, config.text_vocab, *dropouts)
    batches = loader(rows, text, settings, place)
    run(state, batches, settings, folder, on_step, hooks=hooks)
    return state


def trained_prior(state: RunState) -> Prior:
    """The prior of a run, ready for sampling on the CPU; all processes must call this.

    Only that of rank 0 has its weights.
    """
    prior, weights = (
        Prior(PriorConfig.from_dict(state.config)),
        state.parallel.weights(state.trained),
    )
    if weights:
        prior.load_state_dict(weights)
    return prior.eval()


def _origin(
    rows: TrainingRows,
    tokenizer: CaptionTokenizer,
    config: PriorConfig,
    settings: PriorTraining,
    beginning: Beginning | None,
) -> Origin:
    """What the steps of a run depend on."""
    about: dict[str, Any] = {"the_text_tokenizer": tokenizer.sha256}
    if beginning is not None:
        about["the_first_weights"] = beginning.sha256
    if settings.schedule == "plateau":  # whose rates depend on when it looks
        about["the_steps_between_measurements"] = settings.measure_every
    return origin_of(settings, config.to_dict(), rows.sha256, **about)
