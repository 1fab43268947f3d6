"""The images stage as one sentence."""

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.images.config import ImagesConfig
from pipelines.images.transforms import DecodeImages
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import Shards


def build(
    pipeline: beam.Pipeline, task: StageTask, config: ImagesConfig
) -> PCollection[ShardReport]:
    """Decode every pending shard of the run."""
    return pipeline | Shards(task) | DecodeImages(task, config)
