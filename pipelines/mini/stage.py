"""The mini stage as a value: a DALL·E mini trained on the token shards."""

from collections.abc import Iterable
from typing import Any

from dalle_model.progress import OnStep
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.training import (
    HISTORY,
    curves_of,
    misfit_of_sizes,
    missing_tracker_of,
    read_history,
    write_history,
)
from pipelines.mini.config import MiniStageConfig
from pipelines.records import GRID, MINI, NUM_CODES, TEXT_VOCAB, TOKENIZER, TOKENS
from pipelines.stage import (
    Facts,
    Job,
    LocalResult,
    LocalWork,
    Reads,
    Stage,
    Writes,
    plain_settings,
    versions,
)
from pipelines.views import View

FILE = "mini.safetensors"


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model.shards import list_shards
    from dalle_model.train.mini import train_mini_from_shards
    from dalle_model.train.watch import Logs
    from dalle_model.vocab import CaptionTokenizer

    task, config = job.task, job.config
    metrics = train_mini_from_shards(
        list_shards(task.url(TOKENS)),
        CaptionTokenizer.load(task.url(TOKENIZER)),
        task.folder.file(FILE),
        config.model.closed(),
        config.training,
        config.pairs,
        on_step,
        Logs(task.folder.logs),
    )
    write_history(task.folder)
    shown = {name: v for name, v in metrics.items() if name not in {"choice", "settings"}}
    return LocalResult((FILE, HISTORY), shown)


def _settings(config: MiniStageConfig) -> dict[str, Any]:
    """Without the preset's name, as what it stands for is in the other settings."""
    return {n: value for n, value in plain_settings(config).items() if n != "preset"}


def _misfit(config: MiniStageConfig, facts: Facts) -> str:
    if problem := missing_tracker_of("mini", config.training):
        return problem
    model = config.model
    return misfit_of_sizes("mini", model.grid, model.image_vocab, model.text_vocab, facts)


def _views(folder: StageFolder, _manifest: Manifest, _config: MiniStageConfig) -> Iterable[View]:
    return curves_of(
        read_history(folder),
        "Training of the DALL·E mini",
        "Cross-entropy of the image tokens: of the rows that it is trained on, with whatever noise "
        "and dropout they have, and of those held out, if any are.",
        "nats a token",
        {"image": "image_ce", "image, held out": "held_out_image_ce"},
    )


STAGE = Stage(
    name="mini",
    about="a DALL·E mini trained on the run's token shards",
    config=MiniStageConfig,
    reads={TOKENS: Reads(), TOKENIZER: Reads()},
    writes=Writes(MINI, file=FILE),
    work=LocalWork(_run),
    is_default=False,
    settings=_settings,
    dependencies=versions("torch", "tokenizers"),
    views=_views,
    answers={
        "model.grid": GRID,
        "model.image_vocab": NUM_CODES,
        "model.text_vocab": TEXT_VOCAB,
    },
    misfit=_misfit,
)
