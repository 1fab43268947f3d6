"""Wiring of the encode stage; its logic is in `encoder`."""

from dataclasses import dataclass
from functools import partial

import apache_beam as beam
from apache_beam.pvalue import PCollection

from dalle_model.shards import DICTIONARY_COLUMNS
from pipelines.encode.config import EncodeConfig
from pipelines.encode.shard import encode_shard
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import ProcessShards


@dataclass(eq=False)
class EncodeImages(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Numbers of image shards in; token shards written; one `ShardReport` a shard out."""

    task: StageTask
    config: EncodeConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        work = partial(encode_shard, config=self.config)
        return numbers | "Encode" >> ProcessShards(self.task, work, DICTIONARY_COLUMNS)
