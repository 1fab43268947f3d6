"""Wiring of the fetch stage; the logic is in `buckets`, `owner` and `shard`.

shards -> images wanted, by buckets of hosts -> outcomes, by shard
Bytes are put aside, and never shuffled.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import GlobalWindows

from pipelines.fetch.buckets import in_buckets
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.owner import fetch_buckets
from pipelines.fetch.shard import wanted_images
from pipelines.io.task import StageTask
from pipelines.stage import Runtime

Packed = tuple[int, bytes]  # of a shard


@dataclass(eq=False)
class FetchByHost(beam.PTransform[PCollection[int], PCollection[Packed]]):
    """Shard numbers in; the outcomes of the images of each, in packs, out.

    Args:
        task: the stage's work.
        config: limits and policy.
        runtime: where it runs.
    """

    task: StageTask
    config: FetchConfig
    runtime: Runtime

    def expand(self, numbers: PCollection[int]) -> PCollection[Packed]:
        return (
            numbers
            | "Wanted" >> beam.FlatMap(_wanted, self.task, self.config)
            | "ByBucket" >> beam.GroupByKey()
            | "Fetch" >> beam.ParDo(_FetchBucketsFn(self.task, self.config, self.runtime))
        )


class _FetchBucketsFn(beam.DoFn):
    """Fetches all buckets of a bundle together, as otherwise their delays would add up."""

    def __init__(self, task: StageTask, config: FetchConfig, runtime: Runtime) -> None:
        self.task, self.config, self.runtime = task, config, runtime

    def start_bundle(self) -> None:
        self.buckets: list[tuple[int, list[Packed]]] = []

    def process(self, bucket: tuple[int, Iterable[Packed]]) -> None:
        number, parts = bucket
        self.buckets.append((number, list(parts)))

    def finish_bundle(self) -> Iterator[Any]:
        for packed in fetch_buckets(self.buckets, self.task, self.config, self.runtime):
            yield GlobalWindows.windowed_value(packed)


def _wanted(index: int, task: StageTask, config: FetchConfig) -> Iterator[tuple[int, Packed]]:
    urls = wanted_images(task, index, config)
    for bucket, packed in in_buckets(urls, config.host_buckets).items():
        yield bucket, (index, packed)
