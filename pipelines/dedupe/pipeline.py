"""The dedupe stage as one sentence."""

from functools import partial

from apache_beam.pvalue import PCollection

from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.shard import write_shard
from pipelines.dedupe.transforms import FindDuplicates
from pipelines.io.task import ShardReport
from pipelines.io.transforms import AllShards, GatherShards, Tasks


def build(
    tasks: Tasks, num_shards: int, config: DedupeConfig, in_parts: bool
) -> PCollection[ShardReport]:
    """Compare the images of all shards of the run and write the pending shards."""
    return (
        tasks
        | AllShards()
        | FindDuplicates(tasks, num_shards, config, in_parts)
        | GatherShards(tasks, partial(write_shard, config=config))
    )
