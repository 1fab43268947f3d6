"""The settings of a run, frozen, and the copy of them that its directory keeps.

Each stage brings the class of its section; this module knows only what belongs to the whole run.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
)

from dalle_model import files
from dalle_model.errors import UsageError
from orchestration.engine.registry import registry
from pipelines.io.layout import RunFolder
from pipelines.io.suggest import did_you_mean
from pipelines.records import SELECTION
from pipelines.stage import Stage


class ConfigError(UsageError):
    """A setting or an argument is wrong."""


class NoRunError(UsageError):
    """A directory is not one of a run, or its config cannot be read."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReplayConfig(_Section):
    """Serve the images of a web archive over loopback, in place of the live web.

    Args:
        archive: WARC whose response records are served.
        hosts: host suffix that is answered from it, such as `.demo.test`.
    """

    archive: str
    hosts: str = Field(pattern=r"^\.[a-z0-9.-]+$")


class RunConfig(_Section):
    """One run, from sources to samples. Relative paths count from the config file's folder.

    Args:
        name: of the run, and of its directory where none is given.
        num_shards: of every stage; rows never change shard.
        selections: the order of the stages that filter images; by default that in which the config
            file names them, behind those that it does not name.
        replay: what answers in place of the web.
        reuse: directories of other runs, of as many shards, from which the work on rows is taken
            over where it would be the same: bytes of images, decoded images, tokens.
        allow_empty: go on behind a stage that has left no row.
        keep: the stages whose rows stay at the end of a run, as `dalle clean` frees those of the
            others; all stay where it is not set.

    Every other field is the section of a stage, by its name; None where it was not asked for. A
    stage that filters images is left out by `false` in the place of its section.
    """

    name: str = Field(default="run", pattern=r"^[A-Za-z0-9._-]+$")
    num_shards: int = Field(default=8, ge=1, le=99_999)
    selections: tuple[str, ...] = ()
    replay: ReplayConfig | None = None
    reuse: tuple[str, ...] = ()
    allow_empty: bool = False
    keep: tuple[str, ...] | None = None

    @field_validator("num_shards", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("must be a whole number")
        return value

    if TYPE_CHECKING:  # the sections of stages are fields that only `config_class` knows

        def __getattr__(self, name: str) -> Any: ...

    @field_validator("selections")
    @classmethod
    def _filters(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in selection_names() or names.count(name) > 1:
                known = ", ".join(selection_names())
                raise ValueError(f"{name!r} must be a stage that filters images, once: {known}")
        return names

    @field_validator("keep")
    @classmethod
    def _stages(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            if name not in registry():
                near = did_you_mean(name, registry())
                meant = f"did you mean `{near}`?" if near else f"they are {', '.join(registry())}"
                raise ValueError(f"{name!r} is no stage; {meant}")
        return names

    def section(self, stage: Stage) -> Any:
        """The settings of a stage; the default ones where it was not asked for."""
        section = getattr(self, stage.name)
        return stage.config() if section is None else section

    def has(self, stage: Stage) -> bool:
        """Whether the run was asked for a stage, by default or by its section."""
        return getattr(self, stage.name) is not None

    def with_section(self, stage: Stage, section: BaseModel) -> "RunConfig":
        """The same config with other settings of a stage."""
        return self.model_copy(update={stage.name: section})


def selection_names() -> list[str]:
    """Names of all stages that filter images, sorted."""
    return [stage.name for stage in registry().values() if stage.writes.role == SELECTION]


@cache
def config_class() -> type[RunConfig]:
    """`RunConfig` with a field for the section of each stage."""
    fields: dict[str, Any] = {}
    for stage in registry().values():
        if not stage.is_default:
            fields[stage.name] = (stage.config | None, None)
        elif stage.name in selection_names():
            fields[stage.name] = (stage.config | None, Field(default_factory=stage.config))
        elif _has_defaults(stage):
            fields[stage.name] = (stage.config, Field(default_factory=stage.config))
        else:
            fields[stage.name] = (stage.config, ...)
    return cast(type[RunConfig], create_model("RunConfig", __base__=RunConfig, **fields))


def _has_defaults(stage: Stage) -> bool:
    """Whether a section may be left out; that of the sources may not."""
    try:
        stage.config()
    except ValidationError:
        return False
    return True


def load_run_config(root: str) -> RunConfig:
    """The config of a run, from its directory alone.

    Raises:
        NoRunError: the directory holds no run, or one whose config cannot be read.
    """
    url = RunFolder(root).config
    try:
        return config_class().model_validate(files.read_json(url))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoRunError(
            f"{root} is not a run directory: it has no {url}; name one with --dir, or `dalle run` "
            "makes one"
        ) from error
    except (
        IsADirectoryError,
        ValueError,
    ) as error:  # not JSON, or settings that this version does not know
        raise NoRunError(
            f"{url} is damaged or of another version; run it again with the config that it was "
            "made from: finished stages stay"
        ) from error


def keep_config(root: str, config: RunConfig) -> None:
    """Write the config into the run directory, unless it is there, or nothing may be written."""
    url, document = RunFolder(root).config, config.model_dump(mode="json")
    try:
        is_kept = files.read_json(url) == document
    except (FileNotFoundError, ValueError):
        is_kept = False
    if not is_kept:
        with files.if_writable():  # a run that has work to do fails at its first shard
            files.write_json(url, document)
