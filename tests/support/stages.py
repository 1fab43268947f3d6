"""A stage run on Beam's local runner, as `dalle run` does it, for the sake of its counters."""

from apache_beam.metrics.metric import MetricsFilter
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline

from orchestration.beam.execute import add_stage
from pipelines.stage import Job, Stage
from tests.support.beam_tasks import tasks


def run_on_beam(stage: Stage, job: Job) -> dict[str, int]:
    """Run a stage to its end; its counters by name."""
    pipeline = _TestPipeline(runner="FnApiRunner")
    add_stage(tasks(pipeline, job.task), stage, job)
    result = pipeline.run()
    result.wait_until_finish()
    found = result.metrics().query(MetricsFilter().with_namespace(stage.name))["counters"]
    return {counter.key.metric.name: counter.committed for counter in found}
