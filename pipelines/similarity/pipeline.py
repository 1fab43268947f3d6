"""The similarity stage as one sentence."""

from apache_beam.pvalue import PCollection

from pipelines.io.task import ShardReport
from pipelines.io.transforms import AllShards, Shards, Tasks
from pipelines.similarity.config import SimilarityConfig
from pipelines.similarity.transforms import FilterScores, KeepBest


def build(tasks: Tasks, config: SimilarityConfig) -> PCollection[ShardReport]:
    """Score every pending shard and write it; where a share of all is kept, score all first."""
    if config.keep is None:
        return tasks | Shards() | FilterScores(tasks, config)
    return tasks | AllShards() | KeepBest(tasks, config, config.keep)
