"""Wiring of the dedupe stage. Elements are columns of a shard, never rows, and never pixels.

So a group is a few arrays from each shard, however many rows share a hash or a caption; where its
parts are made a list, it is one of arrays, to be one array next.

shards of all runs -> images, views
images by ranges of pixel hashes -> verdicts on equal ones, by shard; how many are left
views by parts of tables, cut for so many images -> pairs, by some shards of better images
-> candidates, by shard
verdicts, candidates -> verdicts; with those by embedding, where these are asked for
images left -> captions that are left
captions by ranges -> overused ones, by shard
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import apache_beam as beam
import numpy as np
from apache_beam.pvalue import AsSingleton, DoOutputsTuple, PCollection, TaggedOutput

from pipelines.dedupe import captions, exact, near, shard
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.cuts import Cut, Group
from pipelines.dedupe.embedding.transforms import FindSemantic
from pipelines.dedupe.keys import Records
from pipelines.dedupe.runs import Runs
from pipelines.dedupe.verdicts import Verdicts, joined_verdicts
from pipelines.io.task import StageTask
from pipelines.io.transforms import Tasks

IMAGES: Final = "images"
VIEWS: Final = "views"
LEFT: Final = "left"
USES: Final = "uses"

# Shards whose hashes or better images meet in one worker. Chosen: hashes of 10,000 rows each are
# 8 MB, thumbnails of the better images 10 MB, and each element is of shards enough to be worth it.
SHARDS_PER_PART = 16

Tagged = Any  # a `DoOutputsTuple`: Beam warns of that hint, though it is the right one
_TaggedImages = TaggedOutput[Literal["images"], tuple[int, Records]]
_TaggedViews = TaggedOutput[Literal["views"], Records]
_TaggedLeft = TaggedOutput[Literal["left"], int]
_TaggedUses = TaggedOutput[Literal["uses"], tuple[int, Records]]


@dataclass(eq=False)
class ShardsOfRuns(beam.PTransform[Tasks, PCollection[int]]):
    """The task in; the shards of all runs, counted through, out; none where none is pending."""

    runs: Runs

    def expand(self, tasks: Tasks) -> PCollection[int]:
        return tasks | "All" >> beam.FlatMap(_shards, self.runs) | "Spread" >> beam.Reshuffle()


@dataclass(eq=False)
class FindDuplicates(beam.PTransform[PCollection[int], PCollection[tuple[int, Any]]]):
    """Shards of all runs in; of the run, `(shard, Verdicts)` once, `(shard, Overused)` any times.

    Args:
        tasks: of the stage.
        runs: whose images meet.
        config: what is near, and how often a caption may be used.
        in_parts: whether the views of a large run meet in parts of a table. Workers elsewhere hold
            no more than a part each; one machine would hold all parts, and visitors beside.
    """

    tasks: Tasks
    runs: Runs
    config: DedupeConfig
    in_parts: bool

    def expand(self, numbers: PCollection[int]) -> PCollection[tuple[int, Any]]:
        task, runs = AsSingleton(self.tasks), self.runs
        read = numbers | "Read" >> beam.FlatMap(_read, task, runs).with_outputs(
            IMAGES, VIEWS, main="equal"
        )
        merged = read[IMAGES] | MergeEqual(runs)
        left = merged[LEFT] | "Left" >> beam.CombineGlobally(sum)
        cut = left | "Cut" >> beam.Map(Cut.of if self.in_parts else Cut)
        candidates = read[VIEWS] | FindNear(self.tasks, cut, runs, self.config)
        found = (read.equal, merged.verdicts, candidates) | "Found" >> beam.Flatten()
        judged = found | JudgeShards(self.tasks, self.config)
        if self.config.embedding is not None:
            semantic = FindSemantic(self.tasks, runs.num_shards, self.config.embedding)
            judged = judged | "Semantic" >> semantic | JoinVerdicts()
        # Two outputs of one step: where a collection is read beside its way into `Outcomes`, Beam's
        # fusion for Flink takes that apart, and makes it twice (2.77, `unzipped_flatten`).
        told = judged | "Tell" >> beam.FlatMap(_told, task, self.config).with_outputs(
            USES, main="verdicts"
        )
        overused = told[USES] | MergeCaptions(runs.num_shards, self.config)
        return (told.verdicts, overused) | "Outcomes" >> beam.Flatten()


@dataclass(eq=False)
class MergeEqual(beam.PTransform[PCollection[tuple[int, Records]], DoOutputsTuple]):
    """`(range of pixel hashes, images)` in.

    `(shard, Verdicts)` on `verdicts`; how many images are left, by range, on `left`.
    """

    runs: Runs

    def expand(self, images: PCollection[tuple[int, Records]]) -> Tagged:
        return (
            images
            | "ByPixels" >> beam.GroupByKey()
            | "Best" >> beam.FlatMap(_merge_equal, self.runs).with_outputs(LEFT, main="verdicts")
        )


@dataclass(eq=False)
class FindNear(beam.PTransform[PCollection[Records], PCollection[tuple[int, Any]]]):
    """Views in, some of a shard; `(shard, Candidates)` out."""

    tasks: Tasks
    cut: PCollection[Cut]
    runs: Runs
    config: DedupeConfig

    def expand(self, views: PCollection[Records]) -> PCollection[tuple[int, Any]]:
        cut = AsSingleton(self.cut)
        return (
            views
            | "Groups" >> beam.FlatMap(_groups, cut, self.config.num_tables)
            | "ByGroup" >> beam.GroupByKey()
            | "Meet" >> beam.FlatMap(_find_near, cut, self.config, self.runs)
            | "ByBetter" >> beam.GroupByKey()
            | "Attach" >> beam.FlatMap(_attach, AsSingleton(self.tasks), self.runs)
        )


@dataclass(eq=False)
class JudgeShards(beam.PTransform[PCollection[tuple[int, Any]], PCollection[tuple[int, Verdicts]]]):
    """`(shard, Verdicts | Candidates)` in, one of each shard at least; `(shard, Verdicts)` out."""

    tasks: Tasks
    config: DedupeConfig

    def expand(self, found: PCollection[tuple[int, Any]]) -> PCollection[tuple[int, Verdicts]]:
        return (
            found
            | "ByShard" >> beam.GroupByKey()
            | "Judge" >> beam.Map(_judge, AsSingleton(self.tasks), self.config)
        )


@dataclass(eq=False)
class JoinVerdicts(
    beam.PTransform[PCollection[tuple[int, Verdicts]], PCollection[tuple[int, Verdicts]]]
):
    """`(shard, Verdicts)` in, one at least of each shard; one of each shard out."""

    def expand(self, found: PCollection[tuple[int, Verdicts]]) -> PCollection[tuple[int, Verdicts]]:
        return found | "ByShard" >> beam.GroupByKey() | "Join" >> beam.MapTuple(_join)


@dataclass(eq=False)
class MergeCaptions(
    beam.PTransform[PCollection[tuple[int, Records]], PCollection[tuple[int, Any]]]
):
    """`(range of captions, uses)` in; `(shard, Overused)` out."""

    num_shards: int
    config: DedupeConfig

    def expand(self, uses: PCollection[tuple[int, Records]]) -> PCollection[tuple[int, Any]]:
        limit = self.config.max_images_per_caption
        return (
            uses
            | "ByCaption" >> beam.GroupByKey()
            | "Overused" >> beam.FlatMap(_merge_uses, limit, self.num_shards)
        )


def _shards(task: StageTask, runs: Runs) -> Iterable[int]:
    return range(runs.total_shards) if task.pending else ()


def _read(
    number: int, task: StageTask, runs: Runs
) -> Iterator[tuple[int, Verdicts] | _TaggedImages | _TaggedViews]:
    found = shard.describe_shard(task, runs, number)
    run, index = runs.place(number)
    if run == runs.own:
        yield index, Verdicts(found.verdicts)
    for part in exact.by_pixels(found.best, num_parts(runs.total_shards)):
        images: _TaggedImages = TaggedOutput(IMAGES, part)
        yield images
    views: _TaggedViews = TaggedOutput(VIEWS, found.views)
    yield views


def num_parts(num_shards: int) -> int:
    """Into how many ranges hashes are cut."""
    return 1 + (num_shards - 1) // SHARDS_PER_PART


def _merge_equal(
    group: tuple[int, Iterable[Records]], runs: Runs
) -> Iterator[tuple[int, Verdicts] | _TaggedLeft]:
    num_left, verdicts = exact.merge_equal(list(group[1]), runs.num_shards, runs.own)
    left: _TaggedLeft = TaggedOutput(LEFT, num_left)
    yield left
    yield from verdicts


def _groups(views: Records, cut: Cut, num_tables: int) -> Iterator[tuple[Group, Records]]:
    yield from cut.groups(views, num_tables)


def _find_near(
    group: tuple[Group, Iterable[Records]], cut: Cut, config: DedupeConfig, runs: Runs
) -> Iterator[tuple[int, Records]]:
    pairs = near.candidates(list(group[1]), group[0], cut, config)
    parts = runs.holders(pairs) % num_parts(runs.total_shards)
    for part in np.unique(parts).tolist():
        yield part, pairs[parts == part]


def _attach(
    group: tuple[int, Iterable[Records]], task: StageTask, runs: Runs
) -> Iterator[tuple[int, shard.Candidates]]:
    yield from shard.attach_thumbnails(task, runs, group[1])


def _judge(
    group: tuple[int, Iterable[Any]], task: StageTask, config: DedupeConfig
) -> tuple[int, Verdicts]:
    return group[0], shard.judge_images(task, *group, config)


def _join(index: int, found: Iterable[Verdicts]) -> tuple[int, Verdicts]:
    return index, joined_verdicts(found)


def _told(
    judged: tuple[int, Verdicts], task: StageTask, config: DedupeConfig
) -> Iterator[tuple[int, Verdicts] | _TaggedUses]:
    """The verdicts on a shard, and which captions its other images have."""
    yield judged
    uses = shard.caption_uses(task, *judged, config)
    for part in captions.by_text(uses, num_parts(task.num_shards)):
        tagged: _TaggedUses = TaggedOutput(USES, part)
        yield tagged


def _merge_uses(
    group: tuple[int, Iterable[Records]], max_images: int, num_shards: int
) -> Iterator[tuple[int, captions.Overused]]:
    yield from captions.merge_uses(list(group[1]), max_images, num_shards)
