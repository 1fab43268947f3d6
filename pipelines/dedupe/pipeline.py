"""The dedupe stage as one sentence."""

from functools import partial

from apache_beam.pvalue import PCollection

from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.runs import Runs
from pipelines.dedupe.shard import write_shard
from pipelines.dedupe.transforms import FindDuplicates, ShardsOfRuns
from pipelines.io.task import ShardReport
from pipelines.io.transforms import GatherShards, Tasks


def build(
    tasks: Tasks, runs: Runs, config: DedupeConfig, in_parts: bool
) -> PCollection[ShardReport]:
    """Compare the images of all shards of the runs and write the pending shards."""
    return (
        tasks
        | ShardsOfRuns(runs)
        | FindDuplicates(tasks, runs, config, in_parts)
        | GatherShards(tasks, partial(write_shard, config=config))
    )
