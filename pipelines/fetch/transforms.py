"""Wiring of the fetch stage; the logic is in `buckets`, `owner` and `shard`.

shards -> images wanted, by buckets of hosts -> outcomes, by shard
Bytes are put aside, and never shuffled.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection
from apache_beam.transforms.window import GlobalWindows

from pipelines.fetch.buckets import in_buckets
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.owner import fetch_buckets
from pipelines.fetch.shard import wanted_images
from pipelines.io.task import StageTask
from pipelines.io.transforms import Tasks
from pipelines.stage import Runtime

Packed = tuple[int, bytes]  # of a shard


@dataclass(eq=False)
class FetchByHost(beam.PTransform[PCollection[int], PCollection[Packed]]):
    """Shard numbers in; the outcomes of the images of each, in packs, out.

    Args:
        tasks: the stage's work.
        config: limits and policy.
        runtime: where it runs.
    """

    tasks: Tasks
    config: FetchConfig
    runtime: Runtime

    def expand(self, numbers: PCollection[int]) -> PCollection[Packed]:
        task = AsSingleton(self.tasks)
        return (
            numbers
            | "Wanted" >> beam.FlatMap(_wanted, task, self.config)
            | "ByBucket" >> beam.GroupByKey()
            | "Fetch" >> beam.ParDo(_FetchBucketsFn(self.config, self.runtime), task)
        )


class _FetchBucketsFn(beam.DoFn):
    """Fetches all buckets of a bundle together, as otherwise their delays would add up."""

    def __init__(self, config: FetchConfig, runtime: Runtime) -> None:
        self.config, self.runtime = config, runtime

    def start_bundle(self) -> None:
        self.task: StageTask | None = None
        self.buckets: list[tuple[int, list[Packed]]] = []

    def process(self, bucket: tuple[int, Iterable[Packed]], task: StageTask) -> None:
        number, parts = bucket  # of each shard that has some of the bucket, its images in one pack
        self.task = task
        self.buckets.append((number, list(parts)))

    def finish_bundle(self) -> Iterator[Any]:
        if self.task is None:
            return
        for packed in fetch_buckets(self.buckets, self.task, self.config, self.runtime):
            yield GlobalWindows.windowed_value(packed)


def _wanted(index: int, task: StageTask, config: FetchConfig) -> Iterator[tuple[int, Packed]]:
    urls = wanted_images(task, index, config)
    for bucket, packed in in_buckets(urls, config.host_buckets).items():
        yield bucket, (index, packed)
