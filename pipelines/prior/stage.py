"""The prior stage as a value: the autoregressive model trained on the token shards."""

from collections.abc import Iterable, Mapping
from typing import Any

from dalle_model.progress import OnStep
from dalle_model.train.prior_load import prior_load
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.prior.config import PriorConfig
from pipelines.records import GRID, NUM_CODES, PRIOR, TEXT_VOCAB, TOKENIZER, TOKENS
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
from pipelines.views import Curves, View

FILE = "prior.safetensors"
HISTORY = "history.json"
HISTORY_POINTS = 200  # chosen: one for every three pixels of the report's plot


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model import files
    from dalle_model.shards import list_shards
    from dalle_model.train.prior import train_from_shards
    from dalle_model.vocab import CaptionTokenizer

    history: list[dict[str, float]] = []
    every = max(1, job.config.training.steps // HISTORY_POINTS)

    def follow(step: int, total: int, metrics: Mapping[str, float]) -> None:
        if step % every == 0 or step == total:
            history.append({"step": step, **metrics})
        on_step(step, total, metrics)

    metrics = train_from_shards(
        list_shards(job.task.url(TOKENS)),
        CaptionTokenizer.load(job.task.url(TOKENIZER)),
        job.task.folder.file(FILE),
        job.config.model.closed(),
        job.config.training,
        job.config.pairs,
        follow,
    )
    files.write_json(job.task.folder.file(HISTORY), history)
    shown = {name: value for name, value in metrics.items() if name != "choice"}
    return LocalResult((FILE, HISTORY), shown)


def _settings(config: PriorConfig) -> dict[str, Any]:
    """Without the preset's name: what it stands for is in the other settings."""
    return {name: value for name, value in plain_settings(config).items() if name != "preset"}


def _misfit(config: PriorConfig, facts: Facts) -> str:
    model = config.model
    if facts.get(GRID, model.grid) is None:
        return (
            "the view `aspect` of encode.views gives rows token shapes of their own, and a prior "
            "is trained on one grid; leave `aspect` out, or train no prior in this run"
        )
    for name, size, fact in (
        ("grid", model.grid, facts.get(GRID)),
        ("image_vocab", model.image_vocab, facts.get(NUM_CODES)),
    ):
        if None not in (size, fact) and size != fact:
            return (
                f"{name} is {size} in the config and {fact} in the codec; set prior.model.{name} "
                f"to {fact}, leave it out, or take another codec"
            )
    room, tokens = model.text_vocab, facts.get(TEXT_VOCAB)
    if room is None or tokens is None or tokens <= room:
        return ""
    return (
        f"there is room for {room} text tokens, and the text tokenizer may have {tokens}; set "
        f"prior.model.text_vocab to {tokens}, leave it out, or set bpe.vocab_size to {room}"
    )


def _views(folder: StageFolder, _manifest: Manifest, _config: PriorConfig) -> Iterable[View]:
    from dalle_model import files

    history: list[dict[str, float]] = files.read_json(folder.file(HISTORY))
    if not history:
        return []
    names = [name for name in history[0] if name.endswith("_ce")]
    return [
        Curves(
            title="Training of the prior",
            about="Cross-entropy of the text tokens and of the image tokens.",
            x="step",
            y="nats a token",
            steps=[point["step"] for point in history],
            lines={name.removesuffix("_ce"): [p[name] for p in history] for name in names},
        )
    ]


STAGE = Stage(
    name="prior",
    about="the autoregressive model trained on the run's token shards",
    config=PriorConfig,
    reads={TOKENS: Reads(), TOKENIZER: Reads()},
    writes=Writes(PRIOR, file=FILE),
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
    load=lambda config: prior_load(config.model.closed(), config.training, config.pairs),
)
