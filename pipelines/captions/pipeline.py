"""The captions stage as one sentence."""

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.recipe import load_funnel
from pipelines.captions.transforms import CountCaptions, DropFailing, FilterCaptions, FindFailing
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import AllShards, Shards


def build(
    pipeline: beam.Pipeline, task: StageTask, config: CaptionsConfig
) -> PCollection[ShardReport]:
    """Filter the captions of every pending shard; rules over all data first count all shards."""
    steps = load_funnel(config.recipe, config.overrides).corpus_steps
    if not steps:
        return pipeline | Shards(task) | FilterCaptions(task, config)
    return (
        pipeline
        | AllShards(task)
        | CountCaptions(task, config)
        | FindFailing(steps)
        | DropFailing(task, config)
    )
