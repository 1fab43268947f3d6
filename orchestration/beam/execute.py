"""One stage on a Beam runner."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from orchestration.beam.runners import is_local, pipeline_options
from pipelines.io.task import ShardResult, StageTask
from pipelines.stage import Job, PipelineWork, ShardWork, Stage


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
        add_stage(pipeline, stage, job)
        pipeline.run().wait_until_finish()


def _workers(count: int, beam_options: Sequence[str]) -> AbstractContextManager[Any]:
    if count < 2 or not is_local(beam_options):
        return nullcontext()
    from orchestration.beam.workers import watched_workers

    return watched_workers()


def add_stage(pipeline: Any, stage: Stage, job: Job) -> None:
    """Add the reading, the work and the writing of a stage to a pipeline."""
    if isinstance(stage.work, ShardWork):
        from pipelines.io.transforms import ProcessShards, Shards

        work = partial(_on_shard, process=stage.work.process, job=job)
        columns = list(stage.work.dictionary_columns)
        label = f"{stage.name.capitalize()}Shards"
        pipeline | Shards(job.task) | label >> ProcessShards(job.task, work, columns)
    elif isinstance(stage.work, PipelineWork):
        stage.work.build(pipeline, job)


def _on_shard(
    _task: StageTask, index: int, *, process: Callable[[Job, int], ShardResult], job: Job
) -> ShardResult:
    return process(job, index)
