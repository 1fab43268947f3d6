"""The captions stage as one sentence."""

from apache_beam.pvalue import PCollection

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.recipe import load_funnel
from pipelines.captions.transforms import CountCaptions, DropFailing, FilterCaptions, FindFailing
from pipelines.io.task import ShardReport
from pipelines.io.transforms import AllShards, Shards, Tasks


def build(tasks: Tasks, config: CaptionsConfig) -> PCollection[ShardReport]:
    """Filter the captions of every pending shard; rules over all data first count all shards."""
    steps = load_funnel(config.recipe, config.overrides).corpus_steps
    if not steps:
        return tasks | Shards() | FilterCaptions(tasks, config)
    return (
        tasks
        | AllShards()
        | CountCaptions(tasks, config)
        | FindFailing(steps)
        | DropFailing(tasks, config)
    )
