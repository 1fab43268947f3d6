"""Frees the rows that no stage needs any longer, of stages that can be made again.

What is freed are the shards of rows kept, and only where all who read them are up to date. The
manifest, the rejections and whatever the report shows stay (`pipelines.io.cleaned`). By itself
nothing is freed that could be lost: neither token shards, which others read than stages, nor what
would have to be asked of the web again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.errors import DalleError, UsageError
from orchestration.engine.config import ConfigError
from orchestration.engine.graph import Graph
from orchestration.engine.jobs import check_no_job
from orchestration.engine.lock import check_no_removal, only_writer
from orchestration.engine.plan import Run, plan_stage
from orchestration.engine.preflight import chosen_stages
from orchestration.engine.progress import Progress
from orchestration.engine.sizes import size_text
from pipelines.io.cleaned import Cleaned, read_mark, write_mark
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.io.parquet import holds_images
from pipelines.records import TOKENS
from pipelines.stage import Stage


class FreeingError(UsageError):
    """Rows would be freed that only the web can bring back: which, and how to do it."""


@dataclass(frozen=True)
class FreedStage:
    """What was or would be freed of a stage; `str()` is the line that the command prints.

    Args:
        stage: its name.
        num_bytes: of its rows; 0 where they stay.
        num_files: the same in files.
        why_not: why its rows stay; empty where they go.
        is_planned: whether nothing has been done yet.
        is_free: whether they were freed before.
    """

    stage: str
    num_bytes: int = 0
    num_files: int = 0
    why_not: str = ""
    is_planned: bool = False
    is_free: bool = False

    def __str__(self) -> str:
        if self.is_free:
            return f"{self.stage:<10} {self.why_not}"
        if self.why_not:
            return f"{self.stage:<10} stays: {self.why_not}"
        would = "would be " if self.is_planned else ""
        size = f"{size_text(self.num_bytes)} in {self.num_files:,} files"
        return f"{self.stage:<10} {size} {would}freed"


def free_rows(
    run: Run, names: Sequence[str], *, only_plans: bool = False, takes_from_web: bool = False
) -> list[FreedStage]:
    """Free the rows of stages that can be spared; what a killed call has begun is finished.

    Args:
        run: of the directory.
        names: of stages; all that can be spared without the web where none is named.
        only_plans: whether to say what would be freed, and do nothing.
        takes_from_web: whether rows of stages that were named may be freed which only the web can
            bring back.

    Returns:
        One for each stage on shards, or for each that was named.

    Raises:
        ConfigError: an unknown stage, or a named one whose rows are needed.
        FreeingError: rows from the web were named.
        RunError: a run is at work in the directory.
    """
    graph = Graph.of(run.config)
    stages = [stage for stage in chosen_stages(graph.stages, names) if names or stage.is_sharded]
    if only_plans:
        return [_planned(run, graph, stage, named=names) for stage in stages]
    with only_writer(run.root):
        check_no_job(run.root)
        check_no_removal(run.root)
        found = [_planned(run, graph, stage, named=names) for stage in stages]
        if names:
            _refuse(found)
        if names and not takes_from_web:
            _ask(run, graph, stages, found)
        return [_freed(run, one) for one in found]


def keep_only(run: Run, graph: Graph, named: Sequence[str], progress: Progress) -> None:
    """Free, at the end of a run, what its config does not keep and the run was not asked for."""
    if run.config.keep is None:
        return
    for stage in graph.stages:
        if stage.is_sharded and stage.name not in {*run.config.keep, *named}:
            freed = _freed(run, _planned(run, graph, stage, named=()))
            if freed.num_bytes:
                progress.say(str(freed))


def _planned(run: Run, graph: Graph, stage: Stage, *, named: Sequence[str]) -> FreedStage:
    folder = run.folder.stage(stage.name)
    manifest, why_not = _spared(run, graph, stage)
    if not why_not and stage.name not in named:
        why_not = _precious(graph, stage)
    if manifest is None or why_not:
        return FreedStage(stage.name, why_not=why_not)
    sizes = files.list_sizes(folder.url)
    there = [sizes[entry["name"]] for entry in manifest.files if entry["name"] in sizes]
    if not there:
        return FreedStage(stage.name, why_not="its rows were freed before", is_free=True)
    return FreedStage(stage.name, sum(there), len(there), is_planned=True)


def _spared(run: Run, graph: Graph, stage: Stage) -> tuple[Manifest | None, str]:
    """The manifest of a stage, and why its rows cannot be spared; empty where they can."""
    readers = [o for o in graph.stages if stage.name in {r.name for r in graph.predecessors(o)}]
    if not stage.is_sharded:
        return None, "it is a model, and not rows"
    if not readers:
        return None, "no stage of the run reads it: it is a result"
    for other in (stage, *readers):
        try:
            plan = plan_stage(run, graph, other, sees_wants=False)
        except (DalleError, OSError) as error:  # such as a source that is gone
            return None, f"{other.name} cannot be made again: {error}"
        if plan.finished is None:
            reads = "" if other is stage else " reads it, and"
            return None, f"{other.name}{reads} is not up to date: {plan.why}"
    return read_manifest(run.folder.stage(stage.name)), ""


def _precious(graph: Graph, stage: Stage) -> str:
    """Why rows that could be spared stay unless they are named; empty where they need not."""
    if stage.writes.role == TOKENS:
        return f"token shards are what a run is for; `dalle clean {stage.name}` frees them"
    if _is_of_the_web(graph, stage):
        return f"the web would be asked again; `dalle clean {stage.name}` frees it"
    return ""


def _is_of_the_web(graph: Graph, stage: Stage) -> bool:
    section = graph.config.section(stage)
    return stage.resources.needs_web(section) and graph.config.replay is None


def _refuse(found: Sequence[FreedStage]) -> None:
    for one in found:
        if one.why_not and not one.is_free:
            raise ConfigError(f"{one.stage} cannot be freed: {one.why_not}")


def _ask(run: Run, graph: Graph, stages: Sequence[Stage], found: Sequence[FreedStage]) -> None:
    lines = [
        f"  {one}"
        for stage, one in zip(stages, found, strict=True)
        if one.num_bytes and _is_of_the_web(graph, stage)
    ]
    if lines:
        raise FreeingError(
            f"the web would be asked again for rows of {run.root}, and may no longer have them:\n"
            + "\n".join(lines)
            + "\ngive the command again with --yes to free them"
        )


def _freed(run: Run, planned: FreedStage) -> FreedStage:
    """Do it: the mark first, so that a crash leaves nothing that looks like damage."""
    if planned.why_not:
        return planned
    folder = run.folder.stage(planned.stage)
    manifest = read_manifest(folder)
    assert manifest is not None
    if read_mark(folder) is None:
        has_images = any(at_once(holds_images, list(_urls(folder, manifest))))
        freed = Cleaned(planned.num_bytes, planned.num_files, holds_images=has_images)
        write_mark(folder, freed)
    list(at_once(files.remove, list(_urls(folder, manifest))))
    return FreedStage(planned.stage, planned.num_bytes, planned.num_files)


def _urls(folder: StageFolder, manifest: Manifest) -> Iterator[str]:
    return (folder.file(entry["name"]) for entry in manifest.files)
