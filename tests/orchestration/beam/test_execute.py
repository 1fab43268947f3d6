"""Several stages in one pipeline: each begins when the one before has ended."""

from functools import partial

import apache_beam as beam
import pyarrow as pa
from pydantic import BaseModel

from orchestration.beam.execute import Step, add_steps
from pipelines.io.task import ShardReport, ShardResult, StageTask
from pipelines.records import SELECTION_SCHEMA
from pipelines.stage import Job, ShardWork, Stage, Writes


def process(job: Job, index: int) -> ShardResult:
    """One row, which says under which fingerprint it was made."""
    row = {"key": f"{index}", "url": job.task.fingerprint, "caption": "c"}
    return ShardResult(pa.Table.from_pylist([row], SELECTION_SCHEMA), [], 1)


def begin(log: str, root: str, name: str) -> StageTask:
    with open(log) as lines:  # noqa: PTH123 - what the step before has noted
        before = len(lines.readlines())
    return StageTask(root, name, 3, "attempt", f"after {before}", (0, 2))


def finish(log: str, task: StageTask, reports: list[ShardReport]) -> None:
    with open(log, "a") as lines:  # noqa: PTH123
        shards = sorted(report.index for report in reports)
        lines.write(f"{task.stage} {task.fingerprint} {shards}\n")


def test_each_stage_begins_when_the_one_before_has_ended(tmp_path):
    log = tmp_path / "log"
    log.touch()
    steps = []
    for name in ("one", "two", "three"):
        stage = Stage(name, "", BaseModel, Writes("rows"), ShardWork(process))
        job = Job(StageTask(str(tmp_path), name, 3, "", "", ()), None)
        first = partial(begin, str(log), str(tmp_path), name)
        steps.append(Step(stage, job, first, partial(finish, str(log))))
    pipeline = beam.Pipeline(runner="FnApiRunner")
    add_steps(pipeline, steps)
    pipeline.run().wait_until_finish()
    assert log.read_text().splitlines() == [
        "one after 0 [0, 2]",
        "two after 1 [0, 2]",
        "three after 2 [0, 2]",
    ]
