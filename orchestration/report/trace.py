"""The way of rows through the stages of a run, as data: what each stage did with them, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.errors import DalleError
from orchestration.engine.config import RunConfig, load_run_config
from orchestration.engine.graph import Graph
from orchestration.report.lookup import keys_of
from pipelines.io.cleaned import is_freed, remedy
from pipelines.io.keys import shard_of
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.io.parquet import read_row_groups
from pipelines.io.task import StageTask
from pipelines.records import SELECTION, SELECTION_SCHEMA
from pipelines.rejection import Check
from pipelines.stage import Stage

_HEAVY = ("encoded", "image", "full_image", "image_tokens", "text_tokens")
MAX_TRACED = 100  # rows; chosen: more than anyone reads, and little to hold


class ExplainError(DalleError):
    """The row cannot be explained."""


@dataclass(frozen=True)
class Step:
    """What one stage did with one row.

    Args:
        stage: its name.
        kept: whether the row was kept.
        row: as stored, kept or dropped, without images and tokens.
        checks: the rules of the stage applied again, those of a dropped row at least the one that
            it failed; empty for a row kept by a config that has changed since.
        is_up_to_date: the stage was made with the settings that hold now.
        locations: where the limit of each rule is written; empty where that is not known.
        scores: names of the columns that a selection has added.
    """

    stage: str
    kept: bool
    row: dict[str, Any]
    checks: list[Check]
    is_up_to_date: bool
    locations: Mapping[str, str] = field(default_factory=dict)
    scores: Sequence[str] = ()


@dataclass(frozen=True)
class Trace:
    """The way of the rows that a query names.

    Args:
        steps: by key, sorted, a step for each stage that had the row; of very many rows those of
            the first keys.
        num_rows: how many rows there are.
    """

    steps: dict[str, list[Step]]
    num_rows: int


def trace(root: str, query: str) -> Trace:
    """The way of every row that a query names.

    Args:
        root: URL of the run directory.
        query: as in `keys_of`.

    Raises:
        ExplainError: no finished stage, or no such row.
        NoRunError: no such run.
    """
    tracer = _Tracer(root)
    keys = keys_of(tracer.files(), query)
    if not keys:
        freed = f"; {remedy(*tracer.freed)}" if tracer.freed else ""
        raise ExplainError(
            f"no row in {root} has the key, URL or name {query!r}; keys are 40 hex digits, URLs "
            "are compared in canonical form, names are paths within a source; the start of a key "
            f"or a URL is enough, and the last parts of a name{freed}"
        )
    steps: dict[str, list[Step]] = {key: [] for key in keys[:MAX_TRACED]}
    for step in tracer.steps(list(steps)):
        steps[step.row["key"]].append(step)
    return Trace(steps, len(keys))


def is_name(root: str, query: str) -> bool:
    """Whether an image of a run has a name; False where there is no such run, or nothing in it."""
    try:
        return bool(keys_of(_Tracer(root).files(), query))
    except DalleError:
        return False


def freed_stages(root: str) -> list[str]:
    """The stages of a run that say nothing of rows that they kept, since those were freed."""
    return _Tracer(root).freed


class _Tracer:
    """The finished stages of one run."""

    def __init__(self, root: str) -> None:
        self._config: RunConfig = load_run_config(root)
        self._run = RunFolder(root, self._config.num_shards)
        self._graph = Graph.of(self._config)
        self._finished = [
            (stage, manifest)
            for stage in self._graph.stages
            if stage.is_sharded and (manifest := read_manifest(self._run.stage(stage.name)))
        ]
        if not self._finished:
            raise ExplainError(f"no finished stage in {root}; `dalle run` makes one")

    def files(self) -> Iterator[tuple[str, bool]]:
        """The shards of all stages: rows kept and dropped, and whether these quote names.

        A stage that reads sources has rows whose names are in no other place: copies and the like.
        """
        for stage, manifest in self._finished:
            task = self._task(stage, manifest)
            for index in range(manifest.num_shards):
                for kept, url in self._files(task, index):
                    yield url, not kept and not stage.reads

    def steps(self, keys: Sequence[str]) -> Iterator[Step]:
        """What each stage did with some rows, in the order of the stages."""
        for stage, manifest in self._finished:
            is_up_to_date = self._is_up_to_date(manifest)
            locations = stage.locations(self._config.section(stage)) if is_up_to_date else {}
            task = self._task(stage, manifest)
            for index in sorted({shard_of(key, manifest.num_shards) for key in keys}):
                for kept, url in self._files(task, index):
                    for row in _rows(url, keys):
                        checks = self._checks(stage, task, row) if is_up_to_date else []
                        if not kept and all(check.passed for check in checks):
                            checks = [*checks, _failed(row)]
                        scores = _added(stage, row) if kept else ()
                        yield Step(stage.name, kept, row, checks, is_up_to_date, locations, scores)

    @property
    def freed(self) -> list[str]:
        """The stages whose rows were freed, of which only the dropped ones are known."""
        names = [stage.name for stage, _ in self._finished]
        return [name for name in names if is_freed(self._run.stage(name))]

    def _files(self, task: StageTask, index: int) -> Iterator[tuple[bool, str]]:
        if not is_freed(task.folder):
            yield True, task.part(index)
        yield False, task.rejected(index)

    def _is_up_to_date(self, manifest: Manifest) -> bool:
        try:
            return self._graph.is_up_to_date(manifest)
        except (ModuleNotFoundError, PackageNotFoundError):  # its rules cannot be applied here
            return False

    def _task(self, stage: Stage, manifest: Manifest) -> StageTask:
        return StageTask(
            root=self._run.url,
            stage=stage.name,
            num_shards=manifest.num_shards,
            attempt="",
            fingerprint=manifest.fingerprint,
            pending=(),
            inputs=self._graph.input_urls(stage, self._run),
        )

    def _checks(self, stage: Stage, task: StageTask, row: dict[str, Any]) -> list[Check]:
        return stage.checks(task, row, self._config.section(stage))


def _added(stage: Stage, row: Mapping[str, Any]) -> Sequence[str]:
    """The columns that a selection has added to a row, such as a score."""
    is_selection = stage.writes.role == SELECTION
    return [name for name in row if name not in SELECTION_SCHEMA.names] if is_selection else ()


def _failed(row: Mapping[str, Any]) -> Check:
    """The rule that a dropped row failed, as it was recorded."""
    return Check(row["reason"], False, row["measured"], row["threshold"], row["detail"])


def _rows(url: str, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a shard with some keys, without what is heavy."""
    wanted = pa.array(keys, pa.string())
    for group in read_row_groups(url):
        table = group.filter(pc.is_in(group["key"], wanted))
        if "sha256" in table.column_names and "encoded" in table.column_names:
            table = table.append_column("bytes", pc.binary_length(table["encoded"]))
        light = [name for name in table.column_names if name not in _HEAVY]
        yield from table.select(light).to_pylist()
