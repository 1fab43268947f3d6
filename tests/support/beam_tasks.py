"""The task of a stage as a pipeline gets it."""

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.io.task import StageTask


def tasks(pipeline: beam.Pipeline, task: StageTask) -> PCollection[StageTask]:
    """A collection of the one task, as a stage in a job of its own gets it."""
    return pipeline | "Task" >> beam.Create([task])
