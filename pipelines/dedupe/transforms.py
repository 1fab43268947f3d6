"""Wiring of the dedupe stage. Signatures, keys and texts are shuffled; pixels never are.

shards -> pairs, signatures
signatures -> DropExact -> FindNear -> duplicates
pairs, duplicates -> JoinDuplicates -> CapCaptions -> (shard, pair | rejection)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import apache_beam as beam
from apache_beam.pvalue import DoOutputsTuple, PCollection, TaggedOutput

from dalle_model.shards import image_of
from pipelines.dedupe import captions, exact, near, signatures
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.signatures import Duplicate, ImageSignature, Pair
from pipelines.io.keys import shard_of
from pipelines.io.selections import surviving_rows
from pipelines.io.task import StageTask
from pipelines.rejection import Rejection, reject
from pipelines.text.folding import fold

PAIRS: Final = "pairs"
DUPLICATES: Final = "duplicates"
REJECTED: Final = "rejected"

Tagged = Any  # a `DoOutputsTuple`: Beam warns of that hint, though it is the right one
_TaggedPair = TaggedOutput[Literal["pairs"], tuple[str, Pair]]
_TaggedDuplicate = TaggedOutput[Literal["duplicates"], tuple[str, Duplicate]]
_TaggedRejection = TaggedOutput[Literal["rejected"], Rejection]


@dataclass(eq=False)
class DropDuplicates(beam.PTransform[PCollection[int], PCollection[tuple[int, Any]]]):
    """Numbers of image shards in; `(shard, pair | Rejection)` out, for every row of the shards."""

    task: StageTask
    config: DedupeConfig

    def expand(self, numbers: PCollection[int]) -> PCollection[tuple[int, Any]]:
        read = numbers | "Read" >> beam.ParDo(_ReadFn(self.task)).with_outputs(
            PAIRS, main="signatures"
        )
        unique = read.signatures | DropExact()
        similar = unique.kept | FindNear(self.config)
        found = (unique[DUPLICATES], similar) | "Duplicates" >> beam.Flatten()
        joined = {PAIRS: read[PAIRS], DUPLICATES: found} | JoinDuplicates(self.task.stage)
        capped = joined.kept | CapCaptions(self.config, self.task.stage)
        outcomes = (joined[REJECTED], capped) | "Outcomes" >> beam.Flatten()
        return outcomes | "ToShard" >> beam.Map(_to_shard, self.task.num_shards)


@dataclass(eq=False)
class DropExact(beam.PTransform[PCollection[ImageSignature], DoOutputsTuple]):
    """Signatures in; the best of equal ones on `kept`; `(image key, Duplicate)` on `duplicates`."""

    def expand(self, images: PCollection[ImageSignature]) -> Tagged:
        return (
            images
            | "KeyPixels" >> beam.Map(lambda image: (image.pixel_hash, image))
            | "ByPixels" >> beam.GroupByKey()
            | "Best" >> beam.FlatMap(_split_exact).with_outputs(DUPLICATES, main="kept")
        )


@dataclass(eq=False)
class FindNear(beam.PTransform[PCollection[ImageSignature], PCollection[tuple[str, Duplicate]]]):
    """Signatures in; `(image key, Duplicate)` out, once for each band that shows it."""

    config: DedupeConfig

    def expand(self, images: PCollection[ImageSignature]) -> PCollection[tuple[str, Duplicate]]:
        return (
            images
            | "KeyBands" >> beam.FlatMap(_by_band, self.config.num_bands)
            | "ByBand" >> beam.GroupByKey()
            | "Compare" >> beam.FlatMap(_find_near, self.config)
        )


@dataclass(eq=False)
class JoinDuplicates(beam.PTransform[dict[str, PCollection], DoOutputsTuple]):
    """Pairs and duplicates by image key in; pairs on `kept`, `Rejection` on `rejected`."""

    stage: str

    def expand(self, by_image_key: Any) -> Tagged:
        return (
            by_image_key
            | "ByImage" >> beam.CoGroupByKey()
            | "Join" >> beam.FlatMap(_join, self.stage).with_outputs(REJECTED, main="kept")
        )


@dataclass(eq=False)
class CapCaptions(beam.PTransform[PCollection[Pair], PCollection[Pair | Rejection]]):
    """Pairs in; each out as it is or as a `Rejection`."""

    config: DedupeConfig
    stage: str

    def expand(self, pairs: PCollection[Pair]) -> PCollection[Pair | Rejection]:
        return (
            pairs
            | "KeyCaption" >> beam.Map(lambda pair: (fold(pair["caption"]), pair))
            | "ByCaption" >> beam.GroupByKey()
            | "Cap" >> beam.FlatMap(_cap, self.config.max_images_per_caption, self.stage)
        )


class _ReadFn(beam.DoFn):
    def __init__(self, task: StageTask) -> None:
        self.task = task

    def process(self, index: int) -> Iterator[ImageSignature | _TaggedPair]:
        table = surviving_rows(self.task, index, signatures.COLUMNS)
        yield from signatures.image_signatures(table)
        for pair in signatures.pairs(table):
            yield TaggedOutput(PAIRS, (image_of(pair["key"]), pair))


def _split_exact(
    group: tuple[str, Iterable[ImageSignature]],
) -> Iterator[ImageSignature | _TaggedDuplicate]:
    members = list(group[1])
    yield exact.best(members)
    for found in exact.exact_duplicates(members):
        yield TaggedOutput(DUPLICATES, found)


def _by_band(
    signature: ImageSignature, num_bands: int
) -> Iterator[tuple[near.Band, ImageSignature]]:
    for band in near.bands(signature.phash, num_bands):
        yield band, signature


def _find_near(
    bucket: tuple[near.Band, Iterable[ImageSignature]], config: DedupeConfig
) -> Iterator[tuple[str, Duplicate]]:
    yield from near.near_duplicates(bucket[1], config)


def _join(
    grouped: tuple[str, dict[str, Iterable[Any]]], stage: str
) -> Iterator[Pair | _TaggedRejection]:
    for outcome in signatures.join_duplicates(grouped[1][PAIRS], grouped[1][DUPLICATES], stage):
        if isinstance(outcome, Rejection):
            yield TaggedOutput(REJECTED, outcome)
        else:
            yield outcome


def _cap(
    group: tuple[str, Iterable[Pair]], max_images: int, stage: str
) -> Iterator[Pair | Rejection]:
    for pair, too_many in captions.cap_captions(group[1], max_images):
        yield pair if too_many is None else reject(pair, stage, too_many)


def _to_shard(outcome: Pair | Rejection, num_shards: int) -> tuple[int, Pair | Rejection]:
    key = outcome.key if isinstance(outcome, Rejection) else outcome["key"]
    return shard_of(key, num_shards), outcome
