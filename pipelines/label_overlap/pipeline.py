"""The label_overlap stage as one sentence."""

from apache_beam.pvalue import PCollection

from pipelines.io.task import ShardReport
from pipelines.io.transforms import Shards, Tasks
from pipelines.label_overlap.config import LabelOverlapConfig
from pipelines.label_overlap.transforms import ClassifyImages, MatchTable


def build(tasks: Tasks, config: LabelOverlapConfig) -> PCollection[ShardReport]:
    """Compare every pending shard with labels of its images, and write it."""
    if config.classifier is None:
        return tasks | MatchTable(config)
    return tasks | Shards() | ClassifyImages(tasks, config)
