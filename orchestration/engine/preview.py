"""What a run would do with each stage, and why, without doing it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, overload

from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run, difference, needed_by, plan_stage, rows_needed
from pipelines.io.cleaned import read_mark
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.stage import Stage

COMMAND = "this command"  # needs the rows of the stages that it names


@dataclass(frozen=True)
class PlannedStage:
    """What a run would do with one stage; `str()` is the line that the command prints.

    Args:
        stage: its name.
        action: `keep` what is finished; `make` what is not finished; `make_again` what is; or
            `follow`: make it again if what it reads turns out to be other rows.
        why: for a person.
        num_shards: of the finished result; 0 where it has none.
        rows: in the finished result; of one without shards, its files.
        reader: what needs its rows, where they were freed; empty where nothing does.
    """

    stage: str
    action: Literal["keep", "make", "make_again", "follow"]
    why: str
    num_shards: int = 0
    rows: int = 0
    reader: str = ""

    @property
    def is_made_again(self) -> bool:
        """Whether a finished result would be replaced, or may be."""
        return self.action in {"make_again", "follow"}

    def __str__(self) -> str:
        return f"{self.stage:<10} {self.why}{self._what()}"

    def _what(self) -> str:
        rows = f"{self.rows:,} row{'s' * (self.rows != 1)}"
        if self.action == "make":
            return ": would be made"
        if self.action == "keep":
            return f", {rows}" if self.num_shards else ""
        what = f"{self.rows} files"
        if self.num_shards:
            what = f"{self.num_shards} shard{'s' * (self.num_shards != 1)}, {rows}"
        ending = " if those change" if self.action == "follow" else ""
        return f": {what} would be made again{ending}"


@dataclass(frozen=True)
class RunPlan(Sequence[PlannedStage]):
    """What a run would do with each stage, and what it takes; `str()` is what the command prints.

    Args:
        stages: in the order of the run.
        disk: a line on what would be written, and what is free.
    """

    stages: tuple[PlannedStage, ...]
    disk: str

    @overload
    def __getitem__(self, index: int) -> PlannedStage: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PlannedStage]: ...
    def __getitem__(self, index: int | slice) -> PlannedStage | Sequence[PlannedStage]:
        return self.stages[index]

    def __len__(self) -> int:
        return len(self.stages)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.stages), self.disk])


def preview(
    run: Run, graph: Graph, stages: Sequence[Stage], named: Sequence[str] = ()
) -> list[PlannedStage]:
    """What `run_stages` would do with each of some stages, from manifests alone.

    Args:
        run: of the graph.
        graph: of the run.
        stages: in the order of the run.
        named: those whose rows are asked for by name, and brought back where they were freed.

    Returns:
        One for each stage, and for each other whose rows were freed and are needed by one of them.

    Raises:
        RunError: a stage reads one that is neither finished nor among them.
    """
    planned = {one.stage: one for one in _previewed(run, graph, stages)}
    return _with_freed(run, graph, planned, named)


def _previewed(run: Run, graph: Graph, stages: Sequence[Stage]) -> Iterator[PlannedStage]:
    pending: set[str] = set()
    for stage in stages:
        before = [read.name for read in graph.deciding(stage) if read.name in pending]
        planned = _follow(run, graph, stage, before) if before else _decide(run, graph, stage)
        if planned.action != "keep":
            pending.add(stage.name)
        yield planned


def _with_freed(
    run: Run, graph: Graph, planned: dict[str, PlannedStage], named: Sequence[str]
) -> list[PlannedStage]:
    """The same where freed rows are brought back for those who read them; the last reader first."""
    for stage in reversed(graph.stages):
        is_freed = read_mark(run.folder.stage(stage.name)) is not None
        own = planned.get(stage.name)
        readers = _readers(run, graph, stage, planned)
        if own and own.action == "keep" and stage.name in named:
            readers = {COMMAND: "make_again", **readers}
        if is_freed and readers and (own is None or own.action == "keep"):
            reader = next((r for r, action in readers.items() if action != "follow"), None)
            planned[stage.name] = replace(
                own or _decide(run, graph, stage),
                action="make_again" if reader else "follow",
                why=needed_by(reader or next(iter(readers))),
                reader=reader or next(iter(readers)),
            )
    return [planned[stage.name] for stage in graph.stages if stage.name in planned]


def _readers(
    run: Run, graph: Graph, stage: Stage, planned: Mapping[str, PlannedStage]
) -> dict[str, str]:
    """What is planned for those who read a stage and do not stay as they are, by name."""
    return {
        other.name: one.action
        for other in graph.stages
        if (one := planned.get(other.name)) and one.action != "keep"
        if stage in rows_needed(run, graph, other)
    }


def _decide(run: Run, graph: Graph, stage: Stage) -> PlannedStage:
    """Of a stage all of whose inputs are finished and stay."""
    plan = plan_stage(run, graph, stage, sees_wants=False)
    old = read_manifest(run.folder.stage(stage.name))
    if old is None:
        return PlannedStage(stage.name, "make", plan.why)
    action: Literal["keep", "make_again"] = "keep" if plan.finished else "make_again"
    return PlannedStage(stage.name, action, plan.why, old.num_shards, _size(old))


def _follow(run: Run, graph: Graph, stage: Stage, before: Sequence[str]) -> PlannedStage:
    """Of a stage some of whose inputs are to be made before it."""
    old = read_manifest(run.folder.stage(stage.name))
    if old is None:
        return PlannedStage(stage.name, "make", "not finished yet")
    read = [other.name for other in graph.deciding(stage)]
    if old.inputs.keys() == set(read) and old.fingerprint == graph.fingerprint(stage, old.inputs):
        why = f"reads the rows of {', '.join(before)}"
        return PlannedStage(stage.name, "follow", why, old.num_shards, _size(old))
    why = difference(old, graph, stage, {name: old.inputs.get(name, "") for name in read})
    return PlannedStage(stage.name, "make_again", why, old.num_shards, _size(old))


def _size(manifest: Manifest) -> int:
    return manifest.rows_out if manifest.num_shards else len(manifest.files)
