"""The dedupe stage as one sentence."""

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.transforms import DropDuplicates
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import AllShards, WriteShards
from pipelines.records import SELECTION_SCHEMA


def build(
    pipeline: beam.Pipeline, task: StageTask, config: DedupeConfig
) -> PCollection[ShardReport]:
    """Compare the images of all shards of the run and write the pending shards."""
    return (
        pipeline
        | AllShards(task)
        | DropDuplicates(task, config)
        | WriteShards(task, SELECTION_SCHEMA)
    )
