"""The prior stage as a value: the autoregressive model trained on the token shards."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dalle_model.progress import OnStep
from dalle_model.train.prior_load import prior_load
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
from pipelines.paths import counted_from
from pipelines.prior.config import PriorConfig
from pipelines.records import CODEC, GRID, NUM_CODES, PRIOR, TEXT_VOCAB, TOKENIZER, TOKENS
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

if TYPE_CHECKING:
    from dalle_model.train.beginning import Beginning

FILE = "prior.safetensors"


def _run(job: Job, on_step: OnStep) -> LocalResult:
    from dalle_model.shards import list_shards
    from dalle_model.train.prior import train_from_shards
    from dalle_model.train.watch import Logs
    from dalle_model.vocab import CaptionTokenizer

    task, config = job.task, job.config
    metrics = train_from_shards(
        list_shards(task.url(TOKENS)),
        CaptionTokenizer.load(task.url(TOKENIZER)),
        task.folder.file(FILE),
        config.model.closed(),
        config.training,
        config.pairs,
        on_step,
        Logs(task.folder.logs, task.url(CODEC)),
        _beginning(config),
    )
    write_history(task.folder)
    shown = {name: value for name, value in metrics.items() if name != "choice"}
    return LocalResult((FILE, HISTORY), shown)


def _beginning(config: PriorConfig) -> "Beginning | None":
    from dalle_model.prior.shipped import prior_url
    from dalle_model.shards import list_shards
    from dalle_model.train.beginning import begin_at

    if not config.start:
        return None
    also = tuple(list_shards(config.also)) if config.also else ()
    return begin_at(prior_url(config.start), also, config.also_share)


def _settings(config: PriorConfig) -> dict[str, Any]:
    """Without the preset's name, as what it stands for is in the other settings.

    What `start` and `also` name counts by its content: it is among the dependencies.
    """
    left_out = {"preset", "start", "also"} | (set() if config.also else {"also_share"})
    return {n: value for n, value in plain_settings(config).items() if n not in left_out}


def _dependencies(config: PriorConfig, provided: Mapping[str, str]) -> dict[str, str]:
    from dalle_model.checkpoint import inspect_checkpoint
    from dalle_model.data.index import read_index
    from dalle_model.prior.shipped import prior_url
    from dalle_model.shards import list_shards

    found = versions("torch", "tokenizers")(config, provided)
    if config.start:
        found["start"] = inspect_checkpoint(prior_url(config.start), "prior").sha256
    if config.also:
        found["also"] = read_index(list_shards(config.also)).sha256
    return found


def _relocate(config: PriorConfig, folder: str) -> PriorConfig:
    from dalle_model.prior.shipped import is_shipped

    found = {"also": counted_from(folder, config.also)} if config.also else {}
    if config.start and not is_shipped(config.start):
        found["start"] = counted_from(folder, config.start)
    return config.model_copy(update=found)


def _misfit(config: PriorConfig, facts: Facts) -> str:
    if problem := missing_tracker_of("prior", config.training):
        return problem
    model = config.model
    if config.start:  # which brings sizes of its own; training says where they do not fit
        return ""
    return misfit_of_sizes("prior", model.grid, model.image_vocab, model.text_vocab, facts)


def _views(folder: StageFolder, _manifest: Manifest, _config: PriorConfig) -> Iterable[View]:
    return curves_of(
        read_history(folder),
        "Training of the prior",
        "Cross-entropy of the text tokens and of the image tokens: of the rows that it is trained "
        "on, with whatever noise and dropout they have, and of those held out, if any are.",
        "nats a token",
        {
            "text": "text_ce",
            "image": "image_ce",
            "text, held out": "held_out_text_ce",
            "image, held out": "held_out_image_ce",
        },
    )


STAGE = Stage(
    name="prior",
    about="the autoregressive model trained on the run's token shards",
    config=PriorConfig,
    # the codec, for pictures alone: its codes are in the tokens
    reads={TOKENS: Reads(), TOKENIZER: Reads(), CODEC: Reads(count="maybe", is_pinned=True)},
    writes=Writes(PRIOR, file=FILE),
    work=LocalWork(_run),
    is_default=False,
    settings=_settings,
    dependencies=_dependencies,
    relocate=_relocate,
    views=_views,
    answers={
        "model.grid": GRID,
        "model.image_vocab": NUM_CODES,
        "model.text_vocab": TEXT_VOCAB,
    },
    misfit=_misfit,
    load=lambda config: prior_load(config.model.closed(), config.training, config.pairs),
)
