"""Wiring of the crawl stage; what it wires is in `inputs.py` and `candidates.py`."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection

from pipelines.crawl.candidates import resolve_duplicates
from pipelines.crawl.config import CrawlConfig, inputs
from pipelines.crawl.inputs import read_input
from pipelines.crawl.sources import InputFile, Source
from pipelines.io.keys import shard_of
from pipelines.records import Candidate
from pipelines.rejection import Rejection

REJECTED = "rejected"


@dataclass(eq=False)
class ExtractCandidates(beam.PTransform[PBegin, PCollection[tuple[int, Any]]]):
    """The inputs of a config in; `(shard, row dict | Rejection)` out, one row kept for each key.

    Args:
        config: what to read.
        num_shards: of the run.
    """

    config: CrawlConfig
    num_shards: int

    def expand(self, root: PBegin) -> PCollection[tuple[int, Any]]:
        read = (
            root
            | "Inputs" >> beam.Create(inputs(self.config), reshuffle=False)
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.ParDo(_ReadInputFn(self.config)).with_outputs(REJECTED, main="found")
        )
        survivors = (
            read.found
            | "ByKey" >> beam.GroupByKey()
            | "ResolveDuplicates" >> beam.FlatMapTuple(_resolve)
        )
        return (
            (survivors, read[REJECTED])
            | "All" >> beam.Flatten()
            | "ToShards" >> beam.Map(_to_shard, self.num_shards)
        )


class _ReadInputFn(beam.DoFn):
    def __init__(self, config: CrawlConfig) -> None:
        self.config = config

    def process(self, element: tuple[InputFile, Source]) -> Iterator[Any]:
        file, source = element
        for row in read_input(file, source, self.config):
            if isinstance(row, Rejection):
                yield beam.pvalue.TaggedOutput(REJECTED, row)
            else:
                yield row.key, row


def _resolve(key: str, rows: Iterable[Candidate]) -> Iterator[Candidate | Rejection]:
    return resolve_duplicates(rows)


def _to_shard(row: Candidate | Rejection, num_shards: int) -> tuple[int, Any]:
    shard = shard_of(row.key, num_shards)
    return shard, row if isinstance(row, Rejection) else asdict(row)
