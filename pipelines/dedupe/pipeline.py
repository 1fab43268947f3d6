"""The dedupe stage as one sentence."""

from functools import partial

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.shard import write_shard
from pipelines.dedupe.transforms import FindDuplicates
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import AllShards, GatherShards


def build(
    pipeline: beam.Pipeline, task: StageTask, config: DedupeConfig
) -> PCollection[ShardReport]:
    """Compare the images of all shards of the run and write the pending shards."""
    return (
        pipeline
        | AllShards(task)
        | FindDuplicates(task, config)
        | GatherShards(task, partial(write_shard, config=config))
    )
