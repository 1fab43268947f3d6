"""Several stages as one job of a runner elsewhere: on a cluster, a job takes longer than a stage.

The functions that begin and finish a stage are called by the workers, one stage behind the other,
so the run goes on when this process has gone; it only follows what appears in the run directory.
"""

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from orchestration.beam.execute import Step, submit
from orchestration.beam.jobs import job_id
from orchestration.beam.options import leaves_no_job
from orchestration.beam.runners import chosen_runner
from orchestration.engine.graph import Graph
from orchestration.engine.jobs import Recording, has_ended, recorded
from orchestration.engine.limits import check_rows_left
from orchestration.engine.plan import Plan, Run, RunError, plan_stage
from orchestration.engine.progress import Progress
from orchestration.engine.replacing import whole_next
from orchestration.engine.results import (
    check_all_there,
    clean_up,
    finish,
    manifest_of,
    put_in_place,
    rows_reused,
    task_of,
    unfinished,
)
from orchestration.engine.web import web_of
from pipelines.io.cleaned import is_freed
from pipelines.io.manifest import Manifest, read_manifest, read_timings
from pipelines.io.task import ShardReport, StageTask, finished_shards
from pipelines.io.wanted import check_wanted
from pipelines.stage import Job, Runtime, Stage

POLL_S = 1.0  # chosen: between two looks at the run directory, which may be in a store


def run_as_one_job(
    run: Run, graph: Graph, plan: Plan, stages: Sequence[Stage], progress: Progress
) -> list[Manifest]:
    """Run stages on shards as one job, and follow it.

    Args:
        run: with the options of a runner elsewhere.
        graph: of the run.
        plan: of the first stage.
        stages: that follow each other.
        progress: receives the events.

    Returns:
        The manifests, in order; none where the job is left to itself.

    Raises:
        RunError: the job has ended without one of them.
        Exception: what the runner raises.
    """
    with ExitStack() as stack:
        is_recorded = not leaves_no_job(run.beam_options)
        key = secrets.token_hex(8) if is_recorded else ""
        steps = [_step(run, graph, stage, key, stack) for stage in stages]
        # Here and now, so that what is wrong with the first is known before there is a job.
        first = replace(_prepared(run, graph, plan), job=key)
        before = [read_manifest(run.folder.stage(stage.name)) for stage in stages]
        steps[0] = replace(steps[0], begin=partial(_known, first))
        names = [stage.name for stage in stages]
        if not is_recorded:
            submit(steps, run.beam_options)
            progress.say(f"the graph of {', '.join(names)} was built; nothing was run")
            return []
        runner = chosen_runner(run.beam_options) or ""
        with recorded(run.root, names, runner, key) as recording:
            result = submit(steps, run.beam_options)
            recording.started(job_id(result, run.beam_options))
            if run.is_left:
                recording.stays = True
                progress.say(f"job {recording.record.id.job} does {', '.join(names)}")
                return []
            with _running(result, recording, progress) as job:
                return [
                    _followed(run, graph, stage, old, job, progress)
                    for stage, old in zip(stages, before, strict=True)
                ]


def _step(run: Run, graph: Graph, stage: Stage, key: str, stack: ExitStack) -> Step:
    loopback = stack.enter_context(web_of(run.config, stage))
    task, runtime = (
        _somewhere(run, graph, stage, key),
        Runtime(run.workers, loopback, is_remote=True),
    )
    job = Job(task, run.config.section(stage), runtime, graph.facts(stage))
    return Step(stage, job, partial(begin, run, stage.name, key), partial(finish_shards, run))


def _somewhere(run: Run, graph: Graph, stage: Stage, key: str) -> StageTask:
    """A task that knows where things are, and not yet what is to be done."""
    urls = graph.input_urls(stage, run.folder)
    return StageTask(run.root, stage.name, run.config.num_shards, "", "", (), urls, job=key)


def begin(run: Run, name: str, key: str = "") -> StageTask:
    """The task of a stage, when those that it reads are finished; called by a worker.

    Args:
        run: as sent.
        name: of the stage.
        key: of the job; empty where nothing records one.

    Raises:
        RunError: one of them is not.
        NotWantedError: the job was ended.
    """
    graph = Graph.of(run.config)
    stage = _named(graph, name)
    check_wanted(_somewhere(run, graph, stage, key))  # before anything is swept
    return replace(_prepared(run, graph, plan_stage(run, graph, stage)), job=key)


def _known(task: StageTask) -> StageTask:
    return task


def _prepared(run: Run, graph: Graph, plan: Plan) -> StageTask:
    """What is left to do of a stage; nothing where its result is whole."""
    own = run.folder.stage(plan.stage.name)
    is_next = read_manifest(own) is not None
    task = replace(task_of(run, graph, plan, is_next=is_next), began_s=time.time())
    is_whole = plan.finished is not None or (
        is_next and whole_next(own, plan.fingerprint, plan.outside) is not None
    )
    return replace(task, pending=()) if is_whole else unfinished(task)[0]


def finish_shards(run: Run, task: StageTask, reports: list[ShardReport]) -> None:
    """Write the manifest of a stage whose pending shards are written; called by a worker.

    Args:
        run: as sent.
        task: as begun.
        reports: of the shards that were pending then.

    Raises:
        RunError: shards are missing, too many rows were dropped, or an input is another one now.
        NothingLeftError: no row is left.
        NotWantedError: the job was ended.
    """
    check_wanted(task)
    graph = Graph.of(run.config)
    plan, own = plan_stage(run, graph, _named(graph, task.stage)), run.folder.stage(task.stage)
    if plan.attempt != task.attempt:
        raise RunError(f"{task.stage}: an input has changed meanwhile; give the command again")
    manifest = plan.finished
    if manifest is None:
        make = partial(_made, run, graph, plan, task, reports)
        manifest = put_in_place(run, graph, plan, is_next=task.is_next, make=make)
    else:
        clean_up(run, graph, plan.stage, manifest)
    check_rows_left(run.config, own, manifest)


def _named(graph: Graph, name: str) -> Stage:
    stage = graph.stage(name)
    assert stage is not None
    return stage


def _made(
    run: Run, graph: Graph, plan: Plan, task: StageTask, reports: list[ShardReport]
) -> Manifest:
    found = {report.index: report for report in reports}
    if len(found) < task.num_shards:  # some were finished by a job before
        found = finished_shards(task, found)
    check_all_there(task, range(task.num_shards), found.keys())
    manifest = manifest_of(run, graph, plan, task, found.values())
    reused = {"rows_reused": rows_reused(found.values())}
    finish(plan, task, manifest, timings_of(task, reports) | reused)
    return manifest


def timings_of(task: StageTask, reports: Sequence[ShardReport]) -> dict[str, Any]:
    """Seconds of a stage on workers elsewhere, and how many processes they were."""
    timings = [report.timing for report in reports]
    workers = {(timing.get("host"), timing.get("process")) for timing in timings}
    return {
        "wall_s": round(max(0.0, time.time() - task.began_s), 3),
        "cpu_s": round(sum(timing.get("cpu_s", 0.0) for timing in timings), 3),
        "workers": len(workers),
    }


class _Running:
    """A job that is waited for in a thread, since a runner may wait in C, deaf to Ctrl-C."""

    def __init__(self, result: Any) -> None:
        self.result = result
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._wait, name="job", daemon=True)
        self._thread.start()

    def has_ended(self, within_s: float) -> bool:
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raise what the runner raised, once it has ended."""
        if self._error is not None:
            raise self._error

    def _wait(self) -> None:
        try:
            self.result.wait_until_finish()
        except BaseException as error:  # noqa: BLE001 - raised again where it is of use
            self._error = error


@contextmanager
def _running(result: Any, recording: Recording, progress: Progress) -> Iterator[_Running]:
    """A job until it has ended; one that is interrupted is cancelled."""
    job = _Running(result)
    try:
        yield job
        while not job.has_ended(POLL_S):
            pass
        job.check()
    except KeyboardInterrupt:
        progress.say(_cancelled(result, recording))
        raise
    except Exception:
        # Such as a line to the job service that was cut, which ends no job.
        recording.stays = bool(recording.record.id.endpoint) and not has_ended(recording.record)
        raise


def _cancelled(result: Any, recording: Recording) -> str:
    job = recording.record.id.job
    try:
        result.cancel()
    except Exception as error:  # noqa: BLE001 - whatever a runner raises, the user must know
        recording.stays = True
        return f"job {job} goes on, since it cannot be cancelled: {error}; see `dalle status`"
    return f"job {job} is cancelled"


def _followed(
    run: Run, graph: Graph, stage: Stage, old: Manifest | None, job: _Running, progress: Progress
) -> Manifest:
    """The manifest of a stage, when the job has written it, or found it up to date."""
    plan, folder = plan_stage(run, graph, stage), run.folder.stage(stage.name)
    if plan.finished is not None:
        if plan.finished == old:
            progress.skipped(stage.name, plan.why, plan.finished)
        else:
            progress.finished(plan.finished, read_timings(folder))
        return plan.finished
    is_next = read_manifest(folder) is not None
    with progress.stage(stage.name, plan.why):
        progress.shards(stage, task_of(run, graph, plan, is_next=is_next), 0)
        manifest = None
        while manifest is None:
            has_ended = job.has_ended(POLL_S)
            manifest = _written(folder, plan)
            if has_ended and manifest is None:
                job.check()
                raise RunError(
                    f"{stage.name}: the job has ended, but the stage is not finished; look at the "
                    "runner's log, then give the same command again"
                )
    progress.finished(manifest, read_timings(folder))
    return manifest


def _written(folder: Any, plan: Plan) -> Manifest | None:
    manifest = read_manifest(folder)
    if manifest is None or manifest.fingerprint != plan.fingerprint or is_freed(folder):
        return None
    return manifest if read_timings(folder).get("outside") == plan.outside else None
