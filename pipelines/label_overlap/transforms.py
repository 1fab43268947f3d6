"""Wiring of the label_overlap stage; the logic is in `shard` and `table`.

With a classifier:  shards -> classified, filtered and written
With a table:  pieces of the table -> labels, by shard -> shards filtered and written
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection

from pipelines.io.task import ShardReport, StageTask
from pipelines.io.transforms import GatherShards, ProcessShards, Tasks
from pipelines.label_overlap.config import LabelOverlapConfig
from pipelines.label_overlap.shard import classify_shard, match_shard
from pipelines.label_overlap.table import ImageLabels, Piece, pieces, read_piece


@dataclass(eq=False)
class ClassifyImages(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Shard numbers in; each shard classified and written; one `ShardReport` a shard out.

    Args:
        tasks: the stage's work.
        config: with a classifier.
    """

    tasks: Tasks
    config: LabelOverlapConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        work = partial(classify_shard, config=self.config)
        return numbers | "Classify" >> ProcessShards(self.tasks, work)


@dataclass(eq=False)
class MatchTable(beam.PTransform[Tasks, PCollection[ShardReport]]):
    """The task in; every pending shard matched with the table; one `ShardReport` a shard out.

    Args:
        config: with a table.
    """

    config: LabelOverlapConfig

    def expand(self, tasks: Tasks) -> PCollection[ShardReport]:
        found = (
            tasks
            | "Pieces" >> beam.FlatMap(_pieces, str(self.config.table))
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(_read, AsSingleton(tasks), self.config)
        )
        return found | "Match" >> GatherShards(tasks, partial(match_shard, config=self.config))


def _pieces(task: StageTask, table: str) -> Iterator[Piece]:
    yield from pieces(table) if task.pending else ()


def _read(
    piece: Piece, task: StageTask, config: LabelOverlapConfig
) -> Iterator[tuple[int, list[ImageLabels]]]:
    yield from read_piece(piece, task.num_shards, config)
