"""The captions stage in one sentence."""

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.transforms import FilterCaptions
from pipelines.io.stage import ShardReport, StageTask
from pipelines.io.transforms import Shards


def build(
    pipeline: beam.Pipeline, task: StageTask, config: CaptionsConfig
) -> PCollection[ShardReport]:
    """Judge the captions of every pending shard of candidates."""
    return pipeline | "Shards" >> Shards(task) | "FilterCaptions" >> FilterCaptions(task, config)
