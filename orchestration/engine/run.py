"""Run the stages of a graph: skip what is finished, resume what is not, balance the books."""

from collections.abc import Collection, Sequence

from dalle_model import files
from orchestration.beam.execute import execute
from orchestration.beam.runners import is_local
from orchestration.engine.another import check_same_run
from orchestration.engine.cleaning import keep_only
from orchestration.engine.config import keep_config
from orchestration.engine.disk import disk_need
from orchestration.engine.graph import Graph
from orchestration.engine.jobs import check_no_job
from orchestration.engine.limits import check_rows_left
from orchestration.engine.lock import check_no_removal, only_writer
from orchestration.engine.needed_rows import to_be_made, want_inputs, want_rows, with_those
from orchestration.engine.one_job import run_as_one_job
from orchestration.engine.plan import Plan, Run, plan_stage
from orchestration.engine.preflight import check_inputs, check_settings, chosen_stages
from orchestration.engine.preview import preview
from orchestration.engine.progress import Progress
from orchestration.engine.replacing import settle
from orchestration.engine.results import (
    RunClock,
    check_all_there,
    clean_up,
    finish,
    identity_of,
    manifest_of,
    put_in_place,
    rows_reused,
    task_of,
    unfinished,
)
from orchestration.engine.web import web_of
from pipelines.io.cleaned import is_freed
from pipelines.io.manifest import Manifest, file_entry, read_manifest, read_timings
from pipelines.io.task import ShardReport, StageTask, finished_shards
from pipelines.stage import Facts, Job, LocalWork, Runtime, Stage


def run_stages(run: Run, names: Sequence[str], progress: Progress) -> list[Manifest]:
    """Bring the named stages up to date, or all of them where none is named.

    On this machine a stage is a job; on another runner, stages on shards that follow each other
    are one.

    Returns:
        The manifests, in the order of the graph; of a run that is left, those that were up to date.

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
        check_no_job(run.root)
        check_no_removal(run.root)
        run.folder.tidy()
        for stage in graph.stages:
            settle(run.folder.stage(stage.name))
        check_same_run(run, graph, stages)
        keep_config(run.root, run.as_written or run.config)
        say_notices(run, stages, progress)
        _warn_of_disk(run, graph, stages, progress)
        asked = {stage.name for stage in stages}
        if has_freed := any(is_freed(run.folder.stage(stage.name)) for stage in graph.stages):
            stages = want_rows(run, graph, stages, names)
        done: list[Manifest] = []
        while left := stages[len(done) :]:
            if has_freed and (again := _rows_needed(run, graph, left)):
                stages, done = with_those(graph, stages, again), []
                continue
            manifests = _next_done(run, graph, left, progress)
            if not manifests:  # a job does the rest, and is not waited for
                return [manifest for manifest in done if manifest.stage in asked]
            done += manifests
        keep_only(run, graph, names, progress)
        return [manifest for manifest in done if manifest.stage in asked]


def say_notices(run: Run, stages: Sequence[Stage], progress: Progress) -> None:
    """Say what a person has to know of a config before any work, such as the hosts it permits."""
    for stage in stages:
        for notice in stage.notices(run.config.section(stage)):
            progress.say(f"{stage.name:<10} {notice}")


def _warn_of_disk(run: Run, graph: Graph, stages: Sequence[Stage], progress: Progress) -> None:
    """Say before any work that it will not fit, as far as that can be known."""
    if files.is_local(run.root):
        need = disk_need(run, graph, preview(run, graph, stages))
        if need.is_too_much:
            progress.say(str(need))


def _next_done(
    run: Run, graph: Graph, stages: Sequence[Stage], progress: Progress
) -> list[Manifest]:
    """The manifests of the first of some stages, or of as many as become one job."""
    plan = plan_stage(run, graph, stages[0])
    if plan.finished is None and stages[0].is_sharded and not is_local(run.beam_options):
        return run_as_one_job(run, graph, plan, _sharded(stages), progress)
    return [_bring_up_to_date(run, graph, plan, progress)]


def _rows_needed(run: Run, graph: Graph, left: Sequence[Stage]) -> list[str]:
    """Stages that must be made again, since their rows were freed and the next stage reads them.

    Of stages that become one job, all that may be made count as the next: on its workers it would
    be too late.
    """
    if plan_stage(run, graph, left[0]).finished is not None:
        return []
    is_alone = is_local(run.beam_options) or not left[0].is_sharded
    return want_inputs(run, graph, left[:1] if is_alone else _chain(run, graph, left))


def _chain(run: Run, graph: Graph, left: Sequence[Stage]) -> list[Stage]:
    return [left[0], *to_be_made(run, graph, _sharded(left)[1:])]


def _sharded(stages: Sequence[Stage]) -> list[Stage]:
    """Those before the first that runs on this machine alone."""
    local = (number for number, stage in enumerate(stages) if not stage.is_sharded)
    return list(stages[: next(local, len(stages))])


def _bring_up_to_date(run: Run, graph: Graph, plan: Plan, progress: Progress) -> Manifest:
    stage, manifest = plan.stage, plan.finished
    folder = run.folder.stage(stage.name)
    if manifest is not None:
        clean_up(run, graph, stage, manifest)
        progress.skipped(stage.name, plan.why, manifest)
    else:
        with progress.stage(stage.name, plan.why):
            manifest = _run_stage(run, graph, plan, progress)
        progress.finished(manifest, read_timings(folder))
    check_rows_left(run.config, folder, manifest)
    return manifest


def _run_stage(run: Run, graph: Graph, plan: Plan, progress: Progress) -> Manifest:
    is_next = read_manifest(run.folder.stage(plan.stage.name)) is not None

    def make() -> Manifest:
        return _make(run, graph, plan, task_of(run, graph, plan, is_next=is_next), progress)

    return put_in_place(run, graph, plan, is_next=is_next, make=make)


def _make(run: Run, graph: Graph, plan: Plan, task: StageTask, progress: Progress) -> Manifest:
    """Do the work of a stage, up to the manifest that says that it is whole."""
    stage, clock, more = plan.stage, RunClock(), {"workers": run.workers}
    if isinstance(stage.work, LocalWork):
        manifest = _run_local(run, graph, plan, stage.work, task, progress)
    else:
        reports = write_shards(run, stage, graph.facts(stage), task, progress, clock)
        manifest = manifest_of(run, graph, plan, task, reports)
        more["rows_reused"] = rows_reused(reports)
    finish(plan, task, manifest, clock.seconds() | more)
    return manifest


def _run_local(
    run: Run, graph: Graph, plan: Plan, work: LocalWork, task: StageTask, progress: Progress
) -> Manifest:
    files.sweep_temporary(task.folder.url)
    stage = plan.stage
    result = work.run(Job(task, run.config.section(stage), facts=graph.facts(stage)), progress.step)
    entries = [file_entry(task.folder, name) for name in result.files]
    return Manifest(**identity_of(graph, plan), files=entries, metrics=result.metrics)


def write_shards(
    run: Run, stage: Stage, facts: Facts, task: StageTask, progress: Progress, clock: RunClock
) -> Collection[ShardReport]:
    """Write the pending shards that this very work has not finished before.

    Raises:
        RunError: the runner has ended without some of them.
    """
    asked = task.pending
    task, before = unfinished(task)
    if task.pending:
        progress.shards(stage, task, len(asked) - len(task.pending))
        section = run.config.section(stage)
        with web_of(run.config, stage) as loopback:
            runtime = Runtime(run.workers, loopback, not is_local(run.beam_options))
            job = Job(task, section, runtime, facts)
            execute(stage, job, run.beam_options)
    reports = finished_shards(task, before)
    check_all_there(task, asked, reports.keys())
    task.folder.tidy()
    clock.elsewhere_s += sum(reports[i].timing.get("elsewhere_s", 0.0) for i in task.pending)
    return reports.values()
