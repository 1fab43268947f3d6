"""Wiring of the fetch stage; no logic lives here."""

import functools
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.pvalue import PCollection

from pipelines.fetch.config import FetchConfig, FetchRuntime
from pipelines.fetch.shard import fetch_shard
from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import ProcessShards


@dataclass(eq=False)
class FetchImages(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Shard numbers in; the pictures of each shard fetched and written; one report a shard out.

    Args:
        task: the stage's work.
        config: limits and manners.
        runtime: permission and number of processes.
    """

    task: StageTask
    config: FetchConfig
    runtime: FetchRuntime

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        work = functools.partial(fetch_shard, config=self.config, runtime=self.runtime)
        return numbers | "FetchShard" >> ProcessShards(self.task, work)
