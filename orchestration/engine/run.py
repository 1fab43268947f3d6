"""Run the stages of a graph: skip what is finished, resume what is not, balance the books."""

import resource
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from dalle_model import files
from orchestration.beam.execute import execute
from orchestration.engine.another import check_same_run
from orchestration.engine.config import keep_config
from orchestration.engine.graph import Graph
from orchestration.engine.limits import check_reject_rate, check_rows_left
from orchestration.engine.lock import only_writer
from orchestration.engine.plan import Plan, Run, RunError, plan_stage
from orchestration.engine.preflight import check_inputs, check_settings, chosen_stages
from orchestration.engine.progress import Progress
from orchestration.engine.replacing import drop_next, replace_result, settle, whole_next
from orchestration.engine.web import web_of
from pipelines.io.manifest import (
    Manifest,
    file_entry,
    read_manifest,
    read_timings,
    write_manifest,
    write_timings,
)
from pipelines.io.task import ShardReport, StageTask, finished_shards
from pipelines.stage import Facts, Job, LocalWork, Runtime, Stage


def run_stages(run: Run, names: Sequence[str], progress: Progress) -> list[Manifest]:
    """Bring the named stages up to date, or all of them where none is named.

    Returns:
        The manifests, in the order of the graph.

    Raises:
        UsageError: an unknown stage, or a config that cannot work; nothing is touched then.
        ReplacingError: finished stages of another run would be replaced.
        RunError: a stage whose inputs are not finished, too many rejections, or another run at
            work in the same directory.
        NothingLeftError: a stage has left no row, and the config does not allow it.
    """
    graph = Graph.of(run.config)
    stages = chosen_stages(graph.stages, names)
    check_settings(graph, stages)
    check_inputs(run, graph, stages)
    with only_writer(run.root):
        files.sweep_temporary(run.root)
        for stage in graph.stages:
            settle(run.folder.stage(stage.name))
        check_same_run(run, graph, stages)
        keep_config(run.root, run.as_written or run.config)
        say_notices(run, stages, progress)
        return [_bring_up_to_date(run, graph, stage, progress) for stage in stages]


def say_notices(run: Run, stages: Sequence[Stage], progress: Progress) -> None:
    """Say what a person has to know of a config before any work, such as the hosts it permits."""
    for stage in stages:
        for notice in stage.notices(run.config.section(stage)):
            progress.say(f"{stage.name:<10} {notice}")


def _bring_up_to_date(run: Run, graph: Graph, stage: Stage, progress: Progress) -> Manifest:
    plan, folder = plan_stage(run, graph, stage), run.folder.stage(stage.name)
    manifest = plan.finished
    if manifest is not None:
        clean_up(run, stage)
        progress.skipped(stage.name, plan.why, manifest)
    else:
        with progress.stage(stage.name, plan.why):
            manifest = _run_stage(run, graph, plan, progress)
        progress.finished(manifest, read_timings(folder))
    check_rows_left(run.config, folder, manifest)
    return manifest


def clean_up(run: Run, stage: Stage) -> None:
    """Remove what a killed run left of work that is finished, or was to replace it."""
    folder = run.folder.stage(stage.name)
    folder.tidy()
    files.remove(folder.progress)
    drop_next(folder)


def _run_stage(run: Run, graph: Graph, plan: Plan, progress: Progress) -> Manifest:
    own = run.folder.stage(plan.stage.name)
    is_next = read_manifest(own) is not None
    manifest = whole_next(own, plan.fingerprint, plan.outside) if is_next else None
    if manifest is None:
        task = task_of(run, graph, plan, is_next=is_next)
        manifest = _make(run, graph, plan, task, progress)
    if is_next:
        replace_result(own, manifest)
    clean_up(run, plan.stage)
    return manifest


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
    )


def _make(run: Run, graph: Graph, plan: Plan, task: StageTask, progress: Progress) -> Manifest:
    """Do the work of a stage, up to the manifest that says that it is whole."""
    stage = plan.stage
    clock = RunClock()
    identity: dict[str, Any] = {
        "stage": stage.name,
        "fingerprint": plan.fingerprint,
        "config": graph.settings(stage),
        "inputs": plan.inputs,
        "dependencies": graph.dependencies(stage),
    }
    if isinstance(stage.work, LocalWork):
        manifest = _run_local(run, graph, stage, stage.work, task, identity, progress)
    else:
        manifest = _run_shards(run, graph, stage, task, identity, progress, clock)
    finish(run, plan, task, manifest, clock)
    return manifest


def finish(run: Run, plan: Plan, task: StageTask, manifest: Manifest, clock: "RunClock") -> None:
    """Write the timings of a stage, and then the manifest that says that its result is whole."""
    timings = clock.seconds() | {"workers": run.workers, "outside": plan.outside}
    write_timings(task.folder, timings)
    write_manifest(task.folder, manifest)


def _run_local(
    run: Run,
    graph: Graph,
    stage: Stage,
    work: LocalWork,
    task: StageTask,
    identity: dict[str, Any],
    progress: Progress,
) -> Manifest:
    files.sweep_temporary(task.folder.url)
    result = work.run(Job(task, run.config.section(stage), facts=graph.facts(stage)), progress.step)
    entries = [file_entry(task.folder, name) for name in result.files]
    return Manifest(**identity, files=entries, metrics=result.metrics)


def _run_shards(
    run: Run,
    graph: Graph,
    stage: Stage,
    task: StageTask,
    identity: dict[str, Any],
    progress: Progress,
    clock: "RunClock",
) -> Manifest:
    reports = write_shards(run, stage, graph.facts(stage), task, progress, clock)
    manifest = Manifest.of_shards(reports, task.num_shards, **identity)
    check_reject_rate(stage, run.config, manifest)
    return manifest


def write_shards(
    run: Run, stage: Stage, facts: Facts, task: StageTask, progress: Progress, clock: "RunClock"
) -> Collection[ShardReport]:
    """Write the pending shards that this very work has not finished before.

    Raises:
        RunError: the runner has ended without some of them.
    """
    task.folder.tidy()
    asked, before = task.pending, finished_shards(task)
    task = replace(task, pending=tuple(i for i in task.pending if i not in before))
    if task.pending:
        progress.shards(stage, task, len(before))
        section = run.config.section(stage)
        with web_of(run.config, stage) as loopback:
            job = Job(task, section, Runtime(run.workers, loopback), facts)
            execute(stage, job, run.beam_options)
    reports = finished_shards(task)
    lost = sorted(set(asked) - set(reports))
    if lost:
        raise RunError(
            f"{stage.name}: the runner ended, but shards {lost} are not written; "
            "look at the runner's log, then give the same command again"
        )
    task.folder.tidy()
    clock.elsewhere_s += sum(reports[i].timing.get("elsewhere_s", 0.0) for i in task.pending)
    return reports.values()


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
