"""Wiring of the select stage; the logic is in `shard` and the recipes.

Each row alone:  shards -> select
By all rows:     shards -> counts -> sum;  shards, sum -> values;  sum, values -> settled
                 shards, settled -> select

Counts are one array, of as many numbers as a list has entries or a score has bins, whatever the
number of rows; a worker adds up those of its shards before it sends any. What is settled is noted,
so that a run that was killed afterwards counts nothing again, and no message carries it.
"""

import functools
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.pvalue import AsSingleton, PCollection
from apache_beam.transforms.window import GlobalWindows
from numpy.typing import NDArray

from dalle_model import files
from pipelines.io.task import ShardReport, ShardResult, StageTask
from pipelines.io.transforms import GatherShards, Tasks
from pipelines.select.config import SelectConfig
from pipelines.select.recipe import Counts
from pipelines.select.shard import Carried, count_shard, gather_shard, select_shard, survey_of

_NOTED = "settled.npy"


@dataclass(eq=False)
class Settle(beam.PTransform[PCollection[int], PCollection[str]]):
    """Numbers of all shards in; the URL of the note of what is settled of all rows out.

    Args:
        tasks: the stage's work.
        config: with the recipe.
        carried: names of the columns that sources carry.
    """

    tasks: Tasks
    config: SelectConfig
    carried: Carried

    def expand(self, numbers: PCollection[int]) -> PCollection[str]:
        task, given = AsSingleton(self.tasks), (self.config, self.carried)
        counts = numbers | "Count" >> beam.ParDo(_CountFn(*given), task)
        add = _SumFn()  # type: ignore[no-untyped-call]  # Beam's
        total = AsSingleton(counts | "AddUp" >> beam.CombineGlobally(add))
        values = numbers | "Gather" >> beam.FlatMap(_gathered, task, total, *given)
        together = AsSingleton(values | "Together" >> beam.CombineGlobally(_concatenated))
        return self.tasks | "Settle" >> beam.Map(_noted, total, together, self.config)


@dataclass(eq=False)
class SelectShards(beam.PTransform[PCollection[int], PCollection[ShardReport]]):
    """Numbers of all shards in; every pending shard written; one `ShardReport` a shard out.

    Args:
        tasks: the stage's work.
        notes: the URL that `Settle` gives.
        config: with the recipe.
        carried: names of the columns that sources carry.
    """

    tasks: Tasks
    notes: PCollection[str]
    config: SelectConfig
    carried: Carried

    def expand(self, numbers: PCollection[int]) -> PCollection[ShardReport]:
        work = partial(_select, config=self.config, carried=self.carried)
        told = numbers | "Tell" >> beam.Map(_told, AsSingleton(self.notes))
        return told | "Select" >> GatherShards(self.tasks, work)


class _CountFn(beam.DoFn):
    """Adds up the counts of a bundle of shards: one array leaves it."""

    def __init__(self, config: SelectConfig, carried: Carried) -> None:
        self.config, self.carried = config, carried

    def start_bundle(self) -> None:
        self._sum: Counts | None = None

    def process(self, index: int, task: StageTask) -> None:
        if not files.exists(_note_of(task)):
            counts = count_shard(task, index, self.config, self.carried)
            self._sum = counts if self._sum is None else self._sum + counts

    def finish_bundle(self) -> Iterator[Any]:
        if self._sum is not None:
            yield GlobalWindows.windowed_value(self._sum)


class _SumFn(beam.CombineFn):
    """Adds up arrays as they come, so that no list of them is held; of none, an empty one."""

    def create_accumulator(self) -> Counts:
        return np.zeros(0, np.int64)

    def add_input(self, total: Counts, counts: Counts) -> Counts:
        return total + counts if len(total) and len(counts) else max(total, counts, key=len)

    def merge_accumulators(self, totals: Iterable[Counts]) -> Counts:
        return functools.reduce(self.add_input, totals)

    def extract_output(self, total: Counts) -> Counts:
        return total


def _gathered(
    index: int, task: StageTask, counts: Counts, config: SelectConfig, carried: Carried
) -> Iterator[NDArray[np.float64]]:
    if len(counts):
        yield gather_shard(task, index, config, carried, counts)


def _noted(
    task: StageTask, counts: Counts, values: NDArray[np.float64], config: SelectConfig
) -> str:
    url = _note_of(task)
    if len(counts):
        content = io.BytesIO()
        np.save(content, survey_of(config).settle(counts, values))
        files.write_bytes(url, content.getvalue())
    return url


def _told(index: int, url: str) -> tuple[int, str]:
    return index, url


def _select(
    task: StageTask, index: int, urls: Iterable[str], config: SelectConfig, carried: Carried
) -> ShardResult:
    settled = np.load(io.BytesIO(files.read_bytes(next(iter(urls)))))
    return select_shard(task, index, config, carried, settled if settled.ndim else float(settled))


def _note_of(task: StageTask) -> str:
    return files.join(task.notes("survey"), _NOTED)


def _concatenated(values: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros(0, np.float64), *values])
