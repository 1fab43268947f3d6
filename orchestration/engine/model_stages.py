"""The stages that run on one machine: training the dVAE, the BPE and the prior, and sampling."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dalle_model import files
from dalle_model.config import DVAE_PRESETS, PRIOR_PRESETS
from orchestration.beam.stages import codec_of
from orchestration.cli.progress import Progress
from orchestration.engine import artifacts as places
from orchestration.engine.config import DvaeSection, PriorSection, RunConfig, SamplesSection

HISTORY_POINTS = 200  # chosen: one for every three pixels of the report's plot


@dataclass(frozen=True)
class ModelResult:
    """What a model stage leaves: its files for the manifest, and what it measured."""

    files: list[dict[str, Any]]
    metrics: dict[str, Any]


def run(stage: str, config: RunConfig, root: str, progress: Progress) -> ModelResult:
    """Run one model stage to its end, writing into its folder."""
    work = {"dvae": _dvae, "bpe": _bpe, "prior": _prior, "samples": _samples}[stage]
    files.sweep_temporary(files.join(root, stage))
    written, metrics = work(config, root, progress)
    return ModelResult([_entry(root, stage, place) for place in written], metrics)


def _dvae(config: RunConfig, root: str, progress: Progress) -> tuple[list[str], dict[str, Any]]:
    from dalle_model.train.dvae import train_from_images
    from dalle_model.train.images import distinct_images
    from orchestration.report.pictures import surviving_images

    section = config.dvae or DvaeSection()
    sizes = DVAE_PRESETS[section.preset]
    metrics = train_from_images(
        distinct_images(surviving_images(root, sizes.side)),
        files.join(root, places.DVAE),
        sizes,
        section.training,
        progress.step,
    )
    return [places.DVAE], metrics


def _bpe(config: RunConfig, root: str, progress: Progress) -> tuple[list[str], dict[str, Any]]:
    from dalle_model.train.bpe import train_bpe_from_shards

    section = config.bpe
    vocab_size = section.vocab_size if section else 1024
    url = files.join(root, places.BPE)
    metrics = train_bpe_from_shards(_token_shards(root), url, vocab_size)
    return [places.BPE], {name: metrics[name] for name in metrics if name != "sha256"}


def _prior(config: RunConfig, root: str, progress: Progress) -> tuple[list[str], dict[str, Any]]:
    from dalle_model.train.prior import train_from_shards
    from dalle_model.vocab import CaptionTokenizer

    section = config.prior or PriorSection()
    history: list[dict[str, float]] = []
    every = max(1, section.training.steps // HISTORY_POINTS)

    def follow(step: int, total: int, metrics: Mapping[str, float]) -> None:
        if step % every == 0 or step == total:
            history.append({"step": step, **metrics})
        progress.step(step, total, metrics)

    metrics = train_from_shards(
        _token_shards(root),
        CaptionTokenizer.load(files.join(root, places.BPE)),
        files.join(root, places.PRIOR),
        PRIOR_PRESETS[section.preset],
        section.training,
        section.pairs,
        follow,
    )
    files.write_json(files.join(root, places.HISTORY), history)
    shown = {name: value for name, value in metrics.items() if name != "keys"}
    return [places.PRIOR, places.HISTORY], shown


def _samples(config: RunConfig, root: str, progress: Progress) -> tuple[list[str], dict[str, Any]]:
    from orchestration.report.pictures import sample_training_captions

    section = config.samples or SamplesSection()
    outcome = sample_training_captions(
        root, codec_of(config, root), section.num_captions, section.sampling, progress.step
    )
    files.write_bytes(files.join(root, places.SAMPLES_TABLE), outcome.table)
    files.write_bytes(files.join(root, places.SAMPLES_PICTURE), outcome.picture)
    return [places.SAMPLES_TABLE, places.SAMPLES_PICTURE], asdict(outcome.score)


def _token_shards(root: str) -> list[str]:
    from dalle_model.shards import list_shards

    return list_shards(files.join(root, "encode"))


def _entry(root: str, stage: str, place: str) -> dict[str, Any]:
    content = files.read_bytes(files.join(root, place))
    return {
        "name": place.removeprefix(f"{stage}/"),
        "bytes": len(content),
        "sha256": files.sha256(content),
    }
