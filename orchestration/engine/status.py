"""How far a run is, from its directory alone, and what its job says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestration.engine.config import load_run_config
from orchestration.engine.graph import Graph
from orchestration.engine.jobs import JobRecord, current_job, state_of
from pipelines.io.cleaned import is_freed, remedy
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import read_manifest
from pipelines.stage import Stage

FINISHED, BEGUN, NOTHING = "finished", "begun", "not begun"


@dataclass(frozen=True)
class StageStatus:
    """How far a stage is; `str()` is a line of what the command prints.

    Args:
        name: of the stage.
        state: `finished`, `begun`, or `not begun`.
        shards: written, of the result that is there or under way.
        num_shards: of the run; 0 for a stage that writes none.
        rows_out: of a finished stage.
        is_freed: whether its rows were freed.
    """

    name: str
    state: str
    shards: int = 0
    num_shards: int = 0
    rows_out: int = 0
    is_freed: bool = False

    def __str__(self) -> str:
        if self.state == FINISHED:
            more = f"{self.rows_out:,} rows" if self.num_shards else ""
            more += f"; {remedy(self.name)}" if self.is_freed else ""
        else:
            more = f"{self.shards:,} of {self.num_shards:,} shards" if self.shards else ""
        return f"{self.name:<10} {self.state:<10} {more}".rstrip()


@dataclass(frozen=True)
class RunStatus:
    """How far a run is; `str()` is what the command prints.

    Args:
        stages: in order.
        job: on a runner elsewhere; None where there is none.
        job_state: in Beam's words, such as `RUNNING`; `UNKNOWN` where nobody can say.
    """

    stages: list[StageStatus]
    job: JobRecord | None = None
    job_state: str = ""

    def __str__(self) -> str:
        lines = [str(stage) for stage in self.stages]
        if self.job is not None:
            lines.append(f"{'job':<10} {self.job_state}: {self.job}")
        return "\n".join(lines)


def run_status(root: str) -> RunStatus:
    """How far a run is.

    Args:
        root: URL of the run directory.

    Raises:
        NoRunError: the directory holds no run.
    """
    config = load_run_config(root)
    graph, folder = Graph.of(config), RunFolder(root, config.num_shards)
    job = current_job(root)
    stages = list(_stages(graph, folder))
    return RunStatus(stages, job, state_of(job) if job is not None else "")


def _stages(graph: Graph, run: RunFolder) -> Iterator[StageStatus]:
    for stage in graph.stages:
        yield _stage(stage, run)


def _stage(stage: Stage, run: RunFolder) -> StageStatus:
    folder = run.stage(stage.name)
    num_shards = run.num_shards if stage.is_sharded else 0
    under_way = len(folder.next.markers()) or len(folder.markers())
    manifest = read_manifest(folder)
    if under_way:
        return StageStatus(stage.name, BEGUN, under_way, num_shards)
    if manifest is None:
        return StageStatus(stage.name, NOTHING, 0, num_shards)
    rows, freed = manifest.rows_out, is_freed(folder)
    return StageStatus(stage.name, FINISHED, manifest.num_shards, num_shards, rows, freed)
