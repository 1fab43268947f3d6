"""Training a DALL·E mini on token shards, by the same loop and on the same rows as the prior."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dalle_model.data.reader import Text
from dalle_model.mini.config import MiniConfig
from dalle_model.mini.model import Mini
from dalle_model.mini.settings import MiniTraining
from dalle_model.mini.text import MiniTokenizer
from dalle_model.mini.trained import TrainedMini, save_mini
from dalle_model.progress import OnStep
from dalle_model.settings import PairChoice
from dalle_model.threads import torch_threads
from dalle_model.train.checkpoint_folders import RunFolder
from dalle_model.train.data import TrainingDataError, TrainingRows, open_rows, survey
from dalle_model.train.loop import Hook, run
from dalle_model.train.mini_task import MiniTask
from dalle_model.train.origin import Origin, origin_of
from dalle_model.train.place import ALONE, Place, joined
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


def train_mini_from_shards(
    shard_urls: list[str],
    tokenizer: CaptionTokenizer,
    out_url: str,
    config: MiniConfig,
    settings: MiniTraining,
    choice: PairChoice,
    on_step: OnStep,
    logs: Logs = NOWHERE,
) -> dict[str, Any]:
    """Train on token shards and write a checkpoint that `load_mini` reads.

    An interrupted run goes on from its checkpoints next to `out_url`, as that of a prior does.

    Args:
        shard_urls: token shards of one codec.
        tokenizer: of their captions, which are not normalised.
        out_url: URL of the checkpoint, which rank 0 writes.
        config: sizes of the model.
        settings: of the training.
        choice: of rows.
        on_step: as for `train_mini`, on rank 0.
        logs: where `metrics.jsonl` and trackers are written.

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
    check_codes(codes, "mini", config.grid, config.num_codes)
    check_text(tokenizer.size, "mini", config.text_pad)
    surveyed = survey(rows, tokenizer, config.text_len)
    warn_of_cuts(surveyed, rows, config.text_len)
    if rows.held_out is None and settings.schedule == "plateau":
        raise TrainingDataError(
            "the schedule `plateau` goes by rows that are held out, and none are; set "
            "`mini.pairs.held_out` to their share, or `mini.training.schedule: cosine`"
        )
    with (
        torch_threads(settings.threads),
        joined(settings.device) as place,
        watching(logs, settings, Pace("tokens", config.image_len)) as hooks,
    ):
        state = train_mini(rows, tokenizer, config, settings, on_step, out_url, hooks, place)
        model = trained_mini(state)
    metrics = metrics_of(state, rows, surveyed, settings, choice)
    if place.rank == 0:
        metrics["settings"] = asdict(settings)
        save_mini(out_url, TrainedMini(model, MiniTokenizer(tokenizer.content), codes, metrics))
        if not settings.keep_finished:
            RunFolder(out_url, _origin(rows, tokenizer, config, settings)).remove()
    return metrics


def train_mini(
    rows: TrainingRows,
    tokenizer: CaptionTokenizer,
    config: MiniConfig,
    settings: MiniTraining,
    on_step: OnStep,
    out_url: str | None = None,
    hooks: Sequence[Hook] = (),
    place: Place = ALONE,
) -> RunState:
    """Train on rows, of which a window of row groups is held at a time.

    Args:
        rows: to train on, and to measure.
        tokenizer: of the captions.
        config: sizes of the model.
        settings: of the training.
        on_step: called after each step with the running means of `loss` and `image_ce`, in nats per
            token, and those of what is held out, as they were measured last.
        out_url: URL of what is made, next to which the checkpoints of the run are; None to save
            nothing.
        hooks: called after each step, once it is measured.
        place: of this process among those that train together.
    """
    read = (MiniTokenizer(tokenizer.content), config.text_len, config.text_pad)
    held_out = held_out_batches(rows.held_out, Text(*read), settings, place)
    task = MiniTask(config, settings, held_out, place)
    state = begin(task, settings, place)
    folder = None
    if out_url is not None:
        folder = RunFolder(out_url, _origin(rows, tokenizer, config, settings))
    text = Text(*read, settings.bpe_dropout, settings.seed, settings.caption_dropout)
    run(state, loader(rows, text, settings, place), settings, folder, on_step, hooks=hooks)
    return state


def trained_mini(state: RunState) -> Mini:
    """The model of a run, ready for drawing on the CPU; all processes must call this.

    Only that of rank 0 has its weights.
    """
    model, weights = (
        Mini(MiniConfig.from_dict(state.config)),
        state.parallel.weights(state.trained),
    )
    if weights:
        model.load_state_dict(weights)
    return model.eval()


def _origin(
    rows: TrainingRows, tokenizer: CaptionTokenizer, config: MiniConfig, settings: MiniTraining
) -> Origin:
    """What the steps of a run depend on."""
    about: dict[str, Any] = {"the_text_tokenizer": tokenizer.sha256}
    if settings.schedule == "plateau":  # whose rates depend on when it looks
        about["the_steps_between_measurements"] = settings.measure_every
    return origin_of(settings, config.to_dict(), rows.sha256, **about)
