"""The result of one stage, from its task to the manifest that says that it is whole."""

import resource
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from dalle_model import files
from orchestration.engine.cards import keep_card
from orchestration.engine.graph import Graph
from orchestration.engine.limits import check_reject_rate
from orchestration.engine.plan import Plan, Run, RunError
from orchestration.engine.replacing import drop_next, replace_result, whole_next
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import (
    Manifest,
    read_manifest,
    read_timings,
    write_manifest,
    write_timings,
)
from pipelines.io.task import ShardReport, StageTask, finished_shards
from pipelines.stage import Stage


def task_of(run: Run, graph: Graph, plan: Plan, *, is_next: bool) -> StageTask:
    """The work of a stage on all its shards."""
    return StageTask(
        root=run.root,
        stage=plan.stage.name,
        num_shards=run.config.num_shards,
        attempt=plan.attempt,
        fingerprint=plan.fingerprint,
        pending=tuple(range(run.config.num_shards)),
        inputs=graph.input_urls(plan.stage, run.folder),
        is_next=is_next,
        earlier=tuple(earlier_results(run, plan)),
    )


def earlier_results(run: Run, plan: Plan) -> Iterator[str]:
    """The folders of finished results from which a stage may take over the work on rows.

    That which it replaces comes first, then those of the runs that the config names.
    """
    others = (RunFolder(root, run.config.num_shards) for root in run.config.reuse)
    for root in (run.folder, *others):
        folder = root.stage(plan.stage.name)
        found = read_manifest(folder) if plan.row_work else None
        if found is None or found.row_work != plan.row_work:
            continue
        if _is_of_same_web(run, plan, folder):
            yield folder.url


def _is_of_same_web(run: Run, plan: Plan, folder: StageFolder) -> bool:
    """Whether the archive that answers in place of the web, if one does, is that of a result."""
    replay = run.config.replay
    if replay is None or not plan.stage.resources.needs_web(run.config.section(plan.stage)):
        return True
    before = read_timings(folder).get("outside", [])
    now = [one for one in plan.outside if one["url"] == replay.archive]
    return all(any(_is_like(one, other) for other in before) for one in now)


def _is_like(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two files seem to be the same, wherever they lie."""
    return all(one[name] == other.get(name) for name in ("bytes", "stamp"))


def unfinished(task: StageTask) -> tuple[StageTask, dict[int, ShardReport]]:
    """The same without the shards that this very work has finished before, and their reports."""
    task.folder.tidy()
    before = finished_shards(task)
    return replace(task, pending=tuple(i for i in task.pending if i not in before)), before


def identity_of(graph: Graph, plan: Plan) -> dict[str, Any]:
    """What a manifest says of the work, whatever comes out of it."""
    return {
        "stage": plan.stage.name,
        "fingerprint": plan.fingerprint,
        "config": graph.settings(plan.stage),
        "inputs": plan.inputs,
        "dependencies": graph.dependencies(plan.stage),
        "row_work": plan.row_work,
    }


def manifest_of(
    run: Run, graph: Graph, plan: Plan, task: StageTask, reports: Collection[ShardReport]
) -> Manifest:
    """The manifest of a stage on shards.

    Raises:
        RunError: more rows were dropped than its section allows.
    """
    manifest = Manifest.of_shards(reports, task.num_shards, **identity_of(graph, plan))
    check_reject_rate(plan.stage, run.config, manifest)
    return manifest


def rows_reused(reports: Iterable[ShardReport]) -> int:
    """The rows of some shards whose work was taken over from earlier results."""
    return sum(report.timing.get("reused", 0) for report in reports)


def check_all_there(task: StageTask, asked: Collection[int], reports: Collection[int]) -> None:
    """Refuse a result that lacks shards.

    Raises:
        RunError: with their numbers.
    """
    if lost := sorted(set(asked) - set(reports)):
        raise RunError(
            f"{task.stage}: the runner ended, but shards {lost} are not written; "
            "look at the runner's log, then give the same command again"
        )


def finish(plan: Plan, task: StageTask, manifest: Manifest, timings: dict[str, Any]) -> None:
    """Write the timings of a stage, and then the manifest that says that its result is whole."""
    write_timings(task.folder, timings | {"outside": plan.outside})
    files.remove(task.folder.cleaned)  # of a result whose manifest was deleted
    write_manifest(task.folder, manifest)


def put_in_place(
    run: Run, graph: Graph, plan: Plan, *, is_next: bool, make: Callable[[], Manifest]
) -> Manifest:
    """The manifest of a stage whose result is whole and where it belongs.

    Args:
        run: of the stage.
        graph: of the run.
        plan: of its work.
        is_next: whether the result is made beside a finished one, and replaces it.
        make: writes the result and its manifest; not called where a crash came just behind that.
    """
    own = run.folder.stage(plan.stage.name)
    manifest = whole_next(own, plan.fingerprint, plan.outside) if is_next else None
    if manifest is None:
        manifest = make()
    if is_next:
        replace_result(own, manifest)
    clean_up(run, graph, plan.stage, manifest)
    return manifest


def clean_up(run: Run, graph: Graph, stage: Stage, manifest: Manifest) -> None:
    """Remove what a killed run left of work that is finished, or was to replace it.

    What such a run may not have come to, the card of the stage, is written.
    """
    folder = run.folder.stage(stage.name)
    folder.tidy()
    files.remove(folder.progress)
    drop_next(folder)
    keep_card(run, graph, stage, manifest)


class RunClock:
    """Wall and CPU seconds since it was made, of this process and its finished children.

    `elsewhere_s` adds the CPU seconds of processes that workers keep for themselves.
    """

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()
        self.elsewhere_s = 0.0

    def seconds(self) -> dict[str, Any]:
        """The seconds elapsed."""
        return {
            "wall_s": round(time.perf_counter() - self._wall, 3),
            "cpu_s": round(_cpu_seconds() - self._cpu + self.elsewhere_s, 3),
        }


def _cpu_seconds() -> float:
    """Of this process and its finished children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
