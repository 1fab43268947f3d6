"""Wiring of the captions stage; the logic is in `filter`."""

from dataclasses import dataclass
from functools import partial

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.filter import filter_shard
from pipelines.io.stage import ShardReport, StageTask
from pipelines.io.transforms import ProcessShards


@dataclass(eq=False)
class FilterCaptions(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Shard numbers in; each shard's captions judged and written; one `ShardReport` a shard out.

    Args:
        task: the stage's work.
        config: recipe and overrides.
    """

    task: StageTask
    config: CaptionsConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        work = partial(filter_shard, config=self.config)
        return numbers | "FilterShards" >> ProcessShards(self.task, work)
