"""Wiring of the images stage; its logic is in `work`."""

from dataclasses import dataclass
from functools import partial

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.images.config import ImagesConfig
from pipelines.images.shard import process_shard
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import ProcessShards


@dataclass(eq=False)
class DecodeImages(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Numbers of fetched shards in; image shards written; one `ShardReport` a shard out."""

    task: StageTask
    config: ImagesConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        return numbers | "Decode" >> ProcessShards(
            self.task, partial(process_shard, config=self.config)
        )
