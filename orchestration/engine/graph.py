"""The graph of a run as data: each stage, what it reads, and what makes its work new."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from dalle_model.errors import DalleError
from orchestration.engine.config import BpeSection, DvaeSection, PriorSection, RunConfig
from orchestration.engine.manifest import Manifest, digest_of
from pipelines.captions import config as captions
from pipelines.crawl import config as crawl
from pipelines.dedupe import config as dedupe
from pipelines.encode import config as encode
from pipelines.fetch import config as fetch
from pipelines.images import config as images

SCHEMA_VERSION = 1  # raise it when a stage's output changes for the same settings

Settings = Callable[[RunConfig], dict[str, Any]]
Dependencies = Callable[[RunConfig], dict[str, str]]
Inputs = Callable[[RunConfig], list[str]]


@dataclass(frozen=True)
class Stage:
    """One stage of the graph.

    Args:
        name: also of its folder and of its command.
        reads: the stages whose output it reads.
        settings: the part of the config that decides its result.
        dependencies: version or sha256 of models, word lists and libraries.
        is_sharded: a Beam pipeline over shards; else one piece of work on this machine.
        outside: files outside the run that it reads, for a cheap check that they are the same.
        max_reject_rate: above it the stage fails.
    """

    name: str
    reads: tuple[str, ...]
    settings: Settings
    dependencies: Dependencies = lambda _: {}
    is_sharded: bool = True
    outside: Inputs = lambda _: []
    max_reject_rate: Callable[[RunConfig], float] = lambda _: 1.0


def graph(config: RunConfig) -> list[Stage]:
    """The stages that a config asks for, in the order in which they run."""
    stages = [_CRAWL, _CAPTIONS, _FETCH, _IMAGES, _DEDUPE]
    if config.dvae is not None:
        stages.append(_DVAE)
    stages.append(_encode(config))
    stages += [stage for stage in (_BPE, _PRIOR, _SAMPLES) if _asked_for(config, stage.name)]
    return stages


def fingerprint(stage: Stage, config: RunConfig, inputs: dict[str, str]) -> str:
    """SHA-256 that names the work of a stage."""
    return digest_of(
        {
            "stage": stage.name,
            "schema_version": SCHEMA_VERSION,
            "num_shards": config.num_shards if stage.is_sharded else 0,
            "settings": stage.settings(config),
            "inputs": inputs,
            "dependencies": stage.dependencies(config),
        }
    )


def is_as_it_was(manifest: Manifest, config: RunConfig) -> bool:
    """Whether a finished stage was made with the settings, models and lists that hold now."""
    stage = {stage.name: stage for stage in graph(config)}[manifest.stage]
    if digest_of(stage.settings(config)) != digest_of(manifest.config):
        return False
    try:
        return stage.dependencies(config) == manifest.dependencies
    except DalleError:  # such as a recipe that is gone
        return False


def with_section(config: RunConfig, name: str) -> RunConfig:
    """The same config with a section of a model stage at its defaults, where it has none."""
    if getattr(config, name) is not None:
        return config
    return config.model_copy(update={name: _default_section(name)})


def _asked_for(config: RunConfig, name: str) -> bool:
    """The model stages build on each other: asking for one asks for those before it."""
    order = ["bpe", "prior", "samples"]
    return any(getattr(config, later) is not None for later in order[order.index(name) :])


def _plain(name: str) -> Settings:
    """A section of the config as JSON, without what only decides whether a run fails."""

    def settings(config: RunConfig) -> dict[str, Any]:
        section = getattr(config, name)
        values: dict[str, Any] = (section or _default_section(name)).model_dump(mode="json")
        values.pop("max_reject_rate", None)
        return values

    return settings


def _default_section(name: str) -> BaseModel:
    sections: dict[str, type[BaseModel]] = {
        "dvae": DvaeSection,
        "bpe": BpeSection,
        "prior": PriorSection,
    }
    return sections[name]()


def _versions(*libraries: str) -> Dependencies:
    return lambda _: {name: version(name) for name in libraries}


def _rate(name: str) -> Callable[[RunConfig], float]:
    return lambda config: float(getattr(config, name).max_reject_rate)


def _replayed(config: RunConfig) -> list[str]:
    return [config.replay.archive] if config.replay else []


def _encode(config: RunConfig) -> Stage:
    trained = ("dvae",) if config.dvae is not None else ()
    return Stage(
        name="encode",
        reads=("images", "dedupe", *trained),
        settings=_encode_settings,
        dependencies=_versions("torch") if trained else lambda c: encode.dependencies(c.encode),
        max_reject_rate=_rate("encode"),
    )


def _encode_settings(config: RunConfig) -> dict[str, Any]:
    values = _plain("encode")(config)
    values.pop("codec")  # its content counts, not its place: a dependency, or the stage `dvae`
    return values | {"side": config.images.side}


def _crawl_settings(config: RunConfig) -> dict[str, Any]:
    values = crawl.fingerprint_config(config.crawl)
    values.pop("max_reject_rate")
    return values | (_replay(config) if config.crawl.sites else {})


def _fetch_settings(config: RunConfig) -> dict[str, Any]:
    return _plain("fetch")(config) | _replay(config)


def _replay(config: RunConfig) -> dict[str, Any]:
    """Whether an archive answers in place of the web is part of the work; its place is not."""
    return {"replay": config.replay.hosts} if config.replay else {}


def _captions_settings(config: RunConfig) -> dict[str, Any]:
    values = _plain("captions")(config)
    return values | {"recipe": posixpath.basename(values["recipe"])}  # its sha256 is a dependency


_CRAWL = Stage(
    name="crawl",
    reads=(),
    settings=_crawl_settings,
    dependencies=lambda c: crawl.dependencies(c.crawl),
    outside=lambda c: crawl.locations(c.crawl),
    max_reject_rate=_rate("crawl"),
)
_CAPTIONS = Stage(
    name="captions",
    reads=("crawl",),
    settings=_captions_settings,
    dependencies=lambda c: captions.dependencies(c.captions),
    max_reject_rate=_rate("captions"),
)
_FETCH = Stage(
    name="fetch",
    reads=("captions",),
    settings=_fetch_settings,
    dependencies=lambda c: fetch.dependencies(c.fetch),
    outside=_replayed,
    max_reject_rate=_rate("fetch"),
)
_IMAGES = Stage(
    name="images",
    reads=("fetch",),
    settings=_plain("images"),
    dependencies=lambda c: images.dependencies(c.images),
    max_reject_rate=_rate("images"),
)
_DEDUPE = Stage(
    name="dedupe",
    reads=("images",),
    settings=_plain("dedupe"),
    dependencies=lambda c: dedupe.dependencies(c.dedupe),
    max_reject_rate=_rate("dedupe"),
)
_DVAE = Stage(
    name="dvae",
    reads=("images", "dedupe"),
    settings=_plain("dvae"),
    dependencies=_versions("torch"),
    is_sharded=False,
)
_BPE = Stage(
    name="bpe",
    reads=("encode",),
    settings=_plain("bpe"),
    dependencies=_versions("tokenizers"),
    is_sharded=False,
)
_PRIOR = Stage(
    name="prior",
    reads=("encode", "bpe"),
    settings=_plain("prior"),
    dependencies=_versions("torch", "tokenizers"),
    is_sharded=False,
)
_SAMPLES = Stage(
    name="samples",
    reads=("images", "encode", "bpe", "prior"),
    settings=_plain("samples"),
    dependencies=_versions("torch", "tokenizers"),
    is_sharded=False,
)
