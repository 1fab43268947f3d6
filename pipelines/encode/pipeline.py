"""The encode stage as one sentence."""

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.encode.config import EncodeConfig
from pipelines.encode.transforms import EncodeImages
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import Shards


def build(
    pipeline: beam.Pipeline, task: StageTask, config: EncodeConfig
) -> PCollection[ShardReport]:
    """Encode every pending shard of the run."""
    return pipeline | Shards(task) | EncodeImages(task, config)
