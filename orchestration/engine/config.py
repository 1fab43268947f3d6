"""The settings of a run, frozen, and the copy of them that its directory keeps."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.settings import (
    DVAE_TRAINING_PRESETS,
    PAIR_CHOICE_PRESETS,
    PRIOR_TRAINING_PRESETS,
    DvaeTraining,
    PairChoice,
    PriorTraining,
    SampleSettings,
)
from pipelines.captions.config import CaptionsConfig
from pipelines.crawl.config import CrawlConfig
from pipelines.dedupe.config import DedupeConfig
from pipelines.encode.config import EncodeConfig
from pipelines.fetch.config import FetchConfig
from pipelines.images.config import ImagesConfig

CONFIG_COPY = "config.json"


class ConfigError(DalleError):
    """A setting is wrong; the command line ends with exit code 2."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NoRunError(DalleError):
    """A directory is not one of a run, or its config cannot be read."""


def _fill_from_preset(values: Any, **presets: Mapping[str, Any]) -> Any:
    """What the file leaves out of these settings is the preset's, field by field."""
    if not isinstance(values, dict):
        return values
    preset = values.get("preset", "demo")
    filled = dict(values)
    for name, known in presets.items():
        given = values.get(name, {})
        if isinstance(given, dict) and preset in known:
            filled[name] = asdict(known[preset]) | given
    return filled


class ReplayConfig(_Section):
    """Serve the images of a web archive over loopback, in place of the live web.

    Args:
        archive: WARC whose response records are served.
        hosts: host suffix that is answered from it, such as `.demo.test`.
    """

    archive: str
    hosts: str = Field(pattern=r"^\.[a-z0-9.-]+$")


class DvaeSection(_Section):
    """Train a dVAE on the run's own pictures; without this section `encode.codec` is used."""

    preset: Literal["demo", "paper"] = "demo"
    training: DvaeTraining = DVAE_TRAINING_PRESETS["demo"]

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        return _fill_from_preset(values, training=DVAE_TRAINING_PRESETS)


class BpeSection(_Section):
    """Text tokenizer, trained on the run's captions."""

    vocab_size: int = Field(default=1024, ge=300, le=65536)


class PriorSection(_Section):
    """The autoregressive prior, trained on the run's token shards."""

    preset: Literal["demo", "paper"] = "demo"
    pairs: PairChoice = PAIR_CHOICE_PRESETS["demo"]
    training: PriorTraining = PRIOR_TRAINING_PRESETS["demo"]

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        return _fill_from_preset(values, pairs=PAIR_CHOICE_PRESETS, training=PRIOR_TRAINING_PRESETS)


class SamplesSection(_Section):
    """Pictures for captions that the prior saw in training, and how many land on their own."""

    num_captions: int = Field(default=64, ge=1, le=4096)
    sampling: SampleSettings = SampleSettings()


class RunConfig(_Section):
    """One run, from sources to samples. Relative paths count from the config file's folder."""

    name: str = Field(default="run", pattern=r"^[A-Za-z0-9._-]+$")
    num_shards: int = Field(default=8, ge=1, le=99_999)
    crawl: CrawlConfig
    captions: CaptionsConfig = CaptionsConfig()
    fetch: FetchConfig = FetchConfig()
    images: ImagesConfig = ImagesConfig()
    dedupe: DedupeConfig = DedupeConfig()
    dvae: DvaeSection | None = None
    encode: EncodeConfig = EncodeConfig()
    bpe: BpeSection | None = None
    prior: PriorSection | None = None
    samples: SamplesSection | None = None
    replay: ReplayConfig | None = None

    @field_validator("num_shards", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("must be a whole number")
        return value


def load_run_config(root: str) -> RunConfig:
    """The config of a run, from its directory alone.

    Raises:
        NoRunError: the directory holds no run, or one whose config cannot be read.
    """
    url = files.join(root, CONFIG_COPY)
    try:
        return RunConfig.model_validate(files.read_json(url))
    except FileNotFoundError as error:
        raise NoRunError(f"{root} is not a run directory: it has no {CONFIG_COPY}") from error
    except ValueError as error:  # not JSON, or settings that this version does not know
        raise NoRunError(
            f"{url} is damaged or of another version; give `dalle run` again: finished stages stay"
        ) from error


def keep_config(root: str, config: RunConfig) -> None:
    """Write the config into the run directory, unless it is there."""
    url, document = files.join(root, CONFIG_COPY), config.model_dump(mode="json")
    try:
        is_kept = files.read_json(url) == document
    except (FileNotFoundError, ValueError):
        is_kept = False
    if not is_kept:
        files.write_json(url, document)
