"""Rows that were freed and are needed again: their stages are marked, and made before the readers.

What is known to need them is marked before a run does anything. The rest shows on the way: a stage
that stays as long as those before it give the same rows may turn out not to.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run, rows_needed
from orchestration.engine.preview import preview
from pipelines.io.cleaned import read_mark, write_mark
from pipelines.stage import Stage


def want_rows(run: Run, graph: Graph, stages: Sequence[Stage], named: Sequence[str]) -> list[Stage]:
    """Want the freed rows that a run will need, as far as is known before it, and no others.

    Args:
        run: of the graph.
        graph: of the run.
        stages: that are to be brought up to date.
        named: those of them that a person has named.

    Returns:
        The stages, and those that have to be made again besides, in the order of the run.
    """
    planned = preview(run, graph, stages, named)
    readers = {one.stage: one.reader for one in planned if one.action == "make_again"}
    for stage in graph.stages:
        _want(run, stage, readers.get(stage.name, ""))
    return with_those(graph, stages, readers)


def want_inputs(run: Run, graph: Graph, stages: Iterable[Stage]) -> list[str]:
    """Want the freed rows that stages read which are about to be made.

    Returns:
        Names of the stages that have to be made again for them; none where all rows are there, or
        wanted already.
    """
    return [
        read.name
        for stage in stages
        for read in rows_needed(run, graph, stage)
        if not _is_wanted(run, read) and _want(run, read, stage.name)
    ]


def to_be_made(run: Run, graph: Graph, stages: Sequence[Stage]) -> list[Stage]:
    """Those of some stages that a run would make, or may have to."""
    made = {one.stage for one in preview(run, graph, stages) if one.action != "keep"}
    return [stage for stage in stages if stage.name in made]


def with_those(graph: Graph, stages: Iterable[Stage], names: Iterable[str]) -> list[Stage]:
    """Stages and those with some names, in the order of the run."""
    chosen = {stage.name for stage in stages}.union(names)
    return [stage for stage in graph.stages if stage.name in chosen]


def _is_wanted(run: Run, stage: Stage) -> bool:
    mark = read_mark(run.folder.stage(stage.name))
    return mark is not None and mark.wanted_by != ""


def _want(run: Run, stage: Stage, reader: str) -> bool:
    """Note who needs the rows of a stage, if they were freed; whether they were."""
    folder = run.folder.stage(stage.name)
    mark = read_mark(folder)
    if mark is not None and mark.wanted_by != reader:
        write_mark(folder, replace(mark, wanted_by=reader))
    return mark is not None
