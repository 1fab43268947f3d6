"""captions -> fetch: pictures by HTTP, shard by shard."""

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.fetch.config import FetchConfig, FetchRuntime
from pipelines.fetch.transforms import FetchImages
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import Shards


def build(
    pipeline: beam.Pipeline, task: StageTask, config: FetchConfig, runtime: FetchRuntime
) -> PCollection[ShardReport]:
    """Fetch the pictures of every pending shard."""
    return pipeline | "Shards" >> Shards(task) | "FetchImages" >> FetchImages(task, config, runtime)
