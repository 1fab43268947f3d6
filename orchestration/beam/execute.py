"""Stages on a Beam runner: one in a job of its own, or several in one job."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from orchestration.beam.hints import hints
from orchestration.beam.runners import DATAFLOW, chosen_runner, is_local, pipeline_options
from pipelines.io.task import Result, ShardReport, StageTask
from pipelines.stage import Job, PipelineWork, ShardWork, Stage


@dataclass(frozen=True)
class Step:
    """A stage of a job of several; both functions are picklable, and called on one worker.

    Args:
        stage: with work on shards.
        job: where it runs and where its files are; what its task says of the work is not looked at.
        begin: its task, called when the step before has ended.
        finish: called with that task and the reports of the shards that were pending.
    """

    stage: Stage
    job: Job
    begin: Callable[[], StageTask]
    finish: Callable[[StageTask, list[ShardReport]], None]


def execute(stage: Stage, job: Job, beam_options: Sequence[str]) -> None:
    """Run one stage to its end; raises what the runner raises.

    Args:
        stage: with work on shards.
        job: its pending shards, its section, and where it runs.
        beam_options: passed through to Beam.
    """
    options = pipeline_options(job.runtime.workers, beam_options)
    import apache_beam as beam  # a second of CPU: only when a stage really runs

    with _workers(job.runtime.workers, beam_options):
        pipeline = beam.Pipeline(options=options)
        add_stage(pipeline | "Task" >> beam.Create([job.task]), stage, job)
        pipeline.run().wait_until_finish()


def submit(steps: Sequence[Step], beam_options: Sequence[str]) -> Any:
    """Start one job that does one stage behind the other; Beam's `PipelineResult`.

    A step waits for the one before: which of its shards are left to do, and under which
    fingerprint, depends on what that has written.

    Args:
        steps: in order.
        beam_options: passed through to Beam.
    """
    options = pipeline_options(1, beam_options)
    import apache_beam as beam

    pipeline = beam.Pipeline(options=options)
    add_steps(pipeline, steps, is_hinted=chosen_runner(beam_options) == DATAFLOW)
    return pipeline.run()


def add_steps(pipeline: Any, steps: Sequence[Step], *, is_hinted: bool = False) -> None:
    """Add stages to a pipeline, each behind the one before, under a label that is its name.

    Args:
        pipeline: of Beam.
        steps: in order.
        is_hinted: whether each says what it needs of a machine. A runner that does not choose
            machines would start further processes for it.
    """
    import apache_beam as beam
    from apache_beam.pvalue import AsIter

    class OneStage(beam.PTransform[Any, Any]):  # so that labels need not differ between stages
        def __init__(self, step: Step) -> None:
            super().__init__()
            self.step = step

        def expand(self, ended: Any) -> Any:
            step = self.step
            # Materialised, since a task that is made twice would sweep behind its own shards.
            tasks = ended | "Begin" >> beam.Map(_begin, step.begin) | "Once" >> beam.Reshuffle()
            reports = add_stage(tasks, step.stage, step.job)
            return tasks | "Finish" >> beam.Map(_finish, AsIter(reports), step.finish)

    ended = pipeline | "Start" >> beam.Create([None], reshuffle=False)
    for step in steps:
        needs = hints(step.stage, step.job.config, step.job.facts) if is_hinted else {}
        one = OneStage(step).with_resource_hints(**needs)
        ended = ended | step.stage.name.capitalize() >> one


def _begin(_ended: None, begin: Callable[[], StageTask]) -> StageTask:
    return begin()


def _finish(
    task: StageTask,
    reports: Iterable[ShardReport],
    finish: Callable[[StageTask, list[ShardReport]], None],
) -> None:
    finish(task, list(reports))


def _workers(count: int, beam_options: Sequence[str]) -> AbstractContextManager[Any]:
    if count < 2 or not is_local(beam_options):
        return nullcontext()
    from orchestration.beam.workers import watched_workers

    return watched_workers()


def add_stage(tasks: Any, stage: Stage, job: Job) -> Any:
    """The reading, the work and the writing of a stage; a collection of its `ShardReport`s."""
    if isinstance(stage.work, ShardWork):
        from pipelines.io.transforms import ProcessShards, Shards

        work = partial(_on_shard, process=stage.work.process, job=job)
        label = f"{stage.name.capitalize()}Shards"
        return tasks | Shards() | label >> ProcessShards(tasks, work)
    assert isinstance(stage.work, PipelineWork)
    return stage.work.build(tasks, job)


def _on_shard(
    task: StageTask, index: int, *, process: Callable[[Job, int], Result], job: Job
) -> Result:
    return process(replace(job, task=task), index)
