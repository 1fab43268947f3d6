"""What a run would do with each stage, and why, without doing it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run, difference, plan_stage
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.stage import Stage


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
    """

    stage: str
    action: Literal["keep", "make", "make_again", "follow"]
    why: str
    num_shards: int = 0
    rows: int = 0

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


def preview(run: Run, graph: Graph, stages: Sequence[Stage]) -> list[PlannedStage]:
    """What `run_stages` would do with each of some stages, from manifests alone.

    Raises:
        RunError: a stage reads one that is neither finished nor among them.
    """
    return list(_previewed(run, graph, stages))


def _previewed(run: Run, graph: Graph, stages: Sequence[Stage]) -> Iterator[PlannedStage]:
    pending: set[str] = set()
    for stage in stages:
        before = [read.name for read in graph.deciding(stage) if read.name in pending]
        planned = _follow(run, graph, stage, before) if before else _decide(run, graph, stage)
        if planned.action != "keep":
            pending.add(stage.name)
        yield planned


def _decide(run: Run, graph: Graph, stage: Stage) -> PlannedStage:
    """Of a stage all of whose inputs are finished and stay."""
    plan = plan_stage(run, graph, stage)
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
