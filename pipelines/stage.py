"""A stage is one value that holds everything a run needs to know about it.

It is called `STAGE` and lives in `pipelines/<name>/stage.py`. It names its inputs by role, so that
stages can be added, removed or inserted without changing any other. `orchestration` finds, plans,
runs, explains and reports stages through this value alone. Importing a stage loads its settings and
nothing heavy: its work is imported when it runs.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel

from dalle_model.progress import OnStep
from dalle_model.train.costs import Load
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.material import Material
from pipelines.io.refusals import Refusals
from pipelines.io.task import Result, StageTask
from pipelines.io.uids import KeptRows
from pipelines.rejection import Check
from pipelines.views import View
from pipelines.web.addresses import LoopbackAllowance

Row = Mapping[str, Any]
Facts = Mapping[str, Any]  # numbers and names by name: `pipelines.records`


@dataclass(frozen=True)
class Reads:
    """One input role of a stage.

    Args:
        schema: the columns that the stage needs; None for an input that is not a table of rows.
        count: exactly `one` input, `maybe` one, or `any` number of them.
        is_pinned: whether the rows of another input name by digest all that is read of it, so that
            its own digest is no part of the fingerprint.
    """

    schema: pa.Schema | None = None
    count: Literal["one", "maybe", "any"] = "one"
    is_pinned: bool = False


@dataclass(frozen=True)
class Writes:
    """The output of a stage.

    Args:
        role: the name by which other stages read it.
        schema: of its shards; None if it depends on the settings, or if there are no shards.
        file: name of the output file, for a stage that writes no shards.
    """

    role: str
    schema: pa.Schema | None = None
    file: str = ""


@dataclass(frozen=True)
class Runtime:
    """Where a stage runs; not part of its fingerprint, since it changes no row.

    Args:
        workers: processes that work in parallel.
        loopback: permission to reach one server on this machine instead of the web.
        is_remote: whether they are those of another runner, which may be more than `workers`.
    """

    workers: int = 1
    loopback: LoopbackAllowance | None = None
    is_remote: bool = False

    @property
    def is_one_process(self) -> bool:
        """Whether all work is done in one process."""
        return self.workers == 1 and not self.is_remote


@dataclass(frozen=True)
class Job:
    """One run of a stage.

    Args:
        task: its shards and its inputs.
        config: its section of the config.
        runtime: where it runs.
        facts: that settings fix of its output and of all on which it depends.
    """

    task: StageTask
    config: Any
    runtime: Runtime = Runtime()
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class LocalResult:
    """The result of a stage without shards.

    Args:
        files: names below the stage's folder, the output first.
        metrics: properties of the result, for the manifest.
    """

    files: tuple[str, ...]
    metrics: dict[str, Any]


@dataclass(frozen=True)
class ShardWork:
    """Work on one shard at a time; any runner distributes it, and writing it needs no Beam.

    Args:
        process: picklable pure function of the job and the number of a shard.
    """

    process: Callable[[Job, int], Result]


@dataclass(frozen=True)
class PipelineWork:
    """Work that combines shards.

    Args:
        build: the transforms that read and write the shards of a job: a collection of its one
            `StageTask` in, one `ShardReport` for each pending shard out. Where stages are one job,
            the task of the job says only where things are: what depends on the result of stages
            before, such as its attempt, is that of the task in the collection.
    """

    build: Callable[[Any, Job], Any]


@dataclass(frozen=True)
class LocalWork:
    """Work on one machine, without shards, such as a training.

    Args:
        run: does the work and reports each step.
        is_training: whether its output is a model.
    """

    run: Callable[[Job, OnStep], LocalResult]
    is_training: bool = True


@dataclass(frozen=True)
class Retry:
    """A stage takes up again rows that it has dropped for reasons which may have passed.

    It does so by its own work, on the shards with such rows: the task says which reasons are
    `retried`, and where the `finished` result is. All other rows of that result, kept or dropped,
    are in the new one as they were.

    Args:
        reasons: of rejections, those that may be asked for.
    """

    reasons: frozenset[str]


@dataclass(frozen=True)
class Reuse:
    """A stage takes the work on rows from earlier results, where it would be the same.

    The task says which results those are (`earlier`); the stage says which rows, by what it reads
    of them, such as the checksum of an image.

    Args:
        follows: roles that it reads by rows and whose making is no part of such a row: an earlier
            result counts where those were made by the same work too.
        beside: settings and dependencies that decide what is written beside that work and no part
            of it, such as the version of a schema.
    """

    follows: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextTrace:
    """One text under a recipe: every check, and the text that the recipe turns it into."""

    checks: list[Check]
    becomes: str


@dataclass(frozen=True)
class Score:
    """A number that a selection writes beside each row it keeps, and by which it drops others.

    Args:
        column: of its shards.
        reason: of the rejections that say it was beyond a limit; empty where it drops none.
        lowest, highest: the last values that pass; None where there is no such limit.
    """

    column: str
    reason: str = ""
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True)
class Recipes:
    """The recipes of a stage that follows one; a run can be compared by several.

    Args:
        known: names of the bundled recipes.
        chosen: the stage's config with another recipe.
        name: of the recipe in a config.
        trace: applies the recipe in a config to a text, which need not be in any run.
    """

    known: Callable[[], list[str]]
    chosen: Callable[[Any, str], Any]
    name: Callable[[Any], str]
    trace: Callable[[str, Any], TextTrace]


@dataclass(frozen=True)
class Amount:
    """How much a stage reads from outside, as far as names and sizes of files tell.

    Args:
        rows: that it may give.
        image_bytes: of the images that come with them.
    """

    rows: int
    image_bytes: int


@dataclass(frozen=True)
class Card:
    """A text for people that stands beside the shards of a finished stage, as data sets have one.

    It is no part of the result: no digest counts it, and it is written again where it is gone.

    Args:
        write: the text, from the folder of the stage and the manifests of all on which it depends,
            in the order of the run, its own last; it says nothing of the machine.
        version: raise it when the text changes for the same result.
    """

    write: Callable[[StageFolder, Sequence[Manifest]], str]
    version: int


@dataclass(frozen=True)
class Resources:
    """What a stage needs from a machine; given to engines that choose machines by it.

    Args:
        needs_web: whether it sends requests to the web, or to an archive replayed in its place.
        min_ram_bytes: memory of a machine that works on it, given its section and the facts of the
            run up to it; 0 where any will do.
        max_bundles: bundles, each of some shards, on which a machine works at once; 0 for as many
            as the engine likes.
        accelerator: in Beam's words, such as
            `type:nvidia-tesla-t4;count:1;install-nvidia-driver`; empty for none.
    """

    needs_web: Callable[[Any], bool] = lambda _: False
    min_ram_bytes: Callable[[Any, Facts], int] = lambda *_: 0
    max_bundles: int = 0
    accelerator: Callable[[Any], str] = lambda _: ""


@dataclass(frozen=True)
class Cost:
    """What a row costs a stage, as measured with the default settings; for plans, not for runs.

    Args:
        cpu_s: of one core.
        source: the measurement, and the command that repeats it.
        stored_bytes: of Parquet that it leaves in the run directory.
        image_bytes: of those, what an image takes in a shard.
        shuffled_bytes: moved between workers.
        shuffled_elsewhere_bytes: the same on an engine elsewhere, where that is another number.
        received_bytes: from the web.
        held_bytes: in the memory of one worker for every row of the run, however many workers
            there are; 0 where no worker sees all rows.
        assumes: which choice the seconds are of, where another one takes many times as long.
    """

    cpu_s: float
    source: str
    stored_bytes: float = 0
    image_bytes: float = 0
    shuffled_bytes: float = 0
    shuffled_elsewhere_bytes: float = 0
    received_bytes: float = 0
    held_bytes: float = 0
    assumes: str = ""


def plain_settings(section: BaseModel) -> dict[str, Any]:
    """A section as JSON, without what only decides whether a run fails."""
    values = section.model_dump(mode="json")
    values.pop("max_reject_rate", None)
    return values


@dataclass(frozen=True)
class Stage:
    """One stage.

    Args:
        name: also of its folder in a run, its section in a config, and its command.
        about: what it does, in a few words.
        config: the class of its section.
        reads: by role.
        writes: its one output.
        work: what it does.
        is_default: part of every run; else of those whose config has its section, or whose other
            stages read what it writes.
        settings: what of a section decides the result, as JSON; by default all of it but the
            share of rejections at which a run fails.
        dependencies: name -> version or sha256 of the models, word lists and libraries that decide
            the result, given a section and the URLs of the roles that no stage of the run writes.
        provides: roles that its settings answer where no stage of the run writes them.
        relocate: a section with its relative paths counted from a folder.
        outside: URLs of the files outside the run that it reads.
        checks: the rules of the stage applied again to a row that it kept or dropped.
        locations: where the limit of each rule is written, such as `recipes/dalle.yaml:12`.
        recipes: where it follows one.
        views: what it shows of itself in the report.
        scores: of a selection, the numbers among its columns, with the limits in a section.
        pulse: a few words on the work under way, from its folder; empty for none.
        resources: what it needs of a machine.
        origins: what a section reads from outside, such as paths and sites, wherever it lies: a
            config that has none of a run's origins is one of another run.
        facts: numbers and names that a section alone fixes of its output, such as `image_side`,
            given the URLs of the roles that no stage of the run writes.
        heeds: facts of the stages before it that decide its result, as its settings do.
        looks: what is at a path or a site, for a first config: given that path, how the config is
            to say it, and names of columns; None for a stage that reads nothing from outside.
        begins: its section of a first config for some material, in YAML with comments; empty where
            its defaults do.
        answers: settings that may be None, such as `side` or `model.grid`, each with the fact that
            answers it where a stage of the run states it, wherever that stage stands; such as the
            codec's side.
        notices: what a person should know of a section before a run, one line each, such as a
            permission that it gives.
        misfit: why its section cannot go with the facts of the stages before it, and its own, and
            which setting to change; empty where it can.
        copies: reasons of rows that it drops because an equal one stays.
        unasked: reasons of rows that it drops because others were asked for, by name.
        retry: of rows that it has dropped; None where only another result can bring them back.
        reuse: of work on rows; None where all is done anew.
        cost: of a row; None for work that does not grow with the rows, or was not measured.
        cost_of: what `cost` is with the settings of a section, given the URLs of the roles that no
            stage of the run writes; None where these make no difference.
        load: what its training works on, for plans; None for a stage that trains nothing, or whose
            training is not counted.
        amount: what the sources of a section hold; None where only reading them tells.
        card: what stands beside its shards for people; None for nothing.
        on_tables: the rows that a section keeps of tables of metadata outside any run, given their
            URLs and the section, or None to keep them all; None for a stage that judges no tables.
        kept_pages: URLs of the files in which it keeps pages as they were served, of some pages and
            of all that are refused, where it keeps any.
    """

    name: str
    about: str
    config: type[BaseModel]
    writes: Writes
    work: ShardWork | PipelineWork | LocalWork
    reads: Mapping[str, Reads] = field(default_factory=dict)
    is_default: bool = True
    settings: Callable[[Any], dict[str, Any]] = plain_settings
    dependencies: Callable[[Any, Mapping[str, str]], dict[str, str]] = lambda *_: {}
    provides: Mapping[str, Callable[[Any], str]] = field(default_factory=dict)
    relocate: Callable[[Any, str], Any] = lambda section, _: section
    outside: Callable[[Any], list[str]] = lambda _: []
    checks: Callable[[StageTask, Row, Any], list[Check]] = lambda *_: []
    locations: Callable[[Any], Mapping[str, str]] = lambda _: {}
    recipes: Recipes | None = None
    views: Callable[[StageFolder, Manifest, Any], Iterable[View]] = lambda *_: ()
    scores: Callable[[Any], Sequence[Score]] = lambda _: ()
    pulse: Callable[[StageFolder], str] = lambda _: ""
    resources: Resources = Resources()
    origins: Callable[[Any], list[str]] = lambda _: []
    facts: Callable[[Any, Mapping[str, str]], Facts] = lambda *_: {}
    heeds: tuple[str, ...] = ()
    looks: Callable[[str, str, Mapping[str, str]], Material] | None = None
    begins: Callable[[Material], str] = lambda _: ""
    answers: Mapping[str, str] = field(default_factory=dict)
    notices: Callable[[Any], list[str]] = lambda _: []
    misfit: Callable[[Any, Facts], str] = lambda *_: ""
    copies: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()
    retry: Retry | None = None
    reuse: Reuse | None = None
    cost: Cost | None = None
    cost_of: Callable[[Any, Mapping[str, str]], Cost] | None = None
    load: Callable[[Any], Load] | None = None
    amount: Callable[[Any], Amount | None] = lambda _: None
    card: Card | None = None
    on_tables: Callable[[Sequence[str], Any], KeptRows] | None = None
    kept_pages: Callable[[StageFolder, Collection[str], Refusals], list[str]] = lambda *_: []

    @property
    def is_sharded(self) -> bool:
        """Whether it writes shards and rejections; else files on one machine."""
        return not isinstance(self.work, LocalWork)


def versions(*libraries: str) -> Callable[[Any, Mapping[str, str]], dict[str, str]]:
    """The dependencies of a stage that are installed libraries, whatever its settings."""
    return lambda *_: {name: version(name) for name in libraries}
