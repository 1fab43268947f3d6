"""The select stage as one sentence."""

from functools import partial

from apache_beam.pvalue import PCollection

from pipelines.io.task import ShardReport
from pipelines.io.transforms import AllShards, ProcessShards, Shards, Tasks
from pipelines.select.config import SelectConfig
from pipelines.select.shard import Carried, select_shard
from pipelines.select.transforms import SelectShards, Settle


def build(tasks: Tasks, config: SelectConfig, carried: Carried) -> PCollection[ShardReport]:
    """Judge the rows of every pending shard; some recipes look at all shards first."""
    if config.chosen.survey(config) is None:
        work = partial(select_shard, config=config, carried=carried)
        return tasks | Shards() | ProcessShards(tasks, work)
    numbers = tasks | AllShards()
    notes = numbers | Settle(tasks, config, carried)
    return numbers | SelectShards(tasks, notes, config, carried)
