"""Wiring of duplicates by embedding; what travels are vectors, never pixels.

shards, once copies are found -> vectors, noted; how many there are
a sample of the vectors -> centroids, fitted once and noted
vectors by ranges of clusters -> verdicts, by shard
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from apache_beam.pvalue import AsSingleton, PCollection, TaggedOutput

from dalle_model import files
from pipelines.dedupe.config import EmbeddingConfig
from pipelines.dedupe.embedding import clusters
from pipelines.dedupe.embedding.semantic import semantic_verdicts
from pipelines.dedupe.embedding.vectors import Values, Vectors, embed_shard, joined, read_vectors
from pipelines.dedupe.keys import shards_of
from pipelines.dedupe.verdicts import Verdicts
from pipelines.io.parquet import read_table, to_bytes
from pipelines.io.task import StageTask
from pipelines.io.transforms import Tasks

# Shards whose vectors meet in one worker. Chosen: those of 10,000 images each, of 512 values, are
# 40 MB.
SHARDS_PER_PART = 4
_CENTROIDS = "centroids"

EMBEDDED: Final = "embedded"
_TaggedEmbedded = TaggedOutput[Literal["embedded"], tuple[int, int]]

Clustered = tuple[Vectors, npt.NDArray[np.int64]]


@dataclass(eq=False)
class FindSemantic(
    beam.PTransform[PCollection[tuple[int, Verdicts]], PCollection[tuple[int, Verdicts]]]
):
    """`(shard, Verdicts)` in, one of each shard; these and `(shard, Verdicts)` on images left out.

    Args:
        tasks: of the stage.
        num_shards: of the run.
        config: which vectors, and what is near.
    """

    tasks: Tasks
    num_shards: int
    config: EmbeddingConfig

    def expand(
        self, verdicts: PCollection[tuple[int, Verdicts]]
    ) -> PCollection[tuple[int, Verdicts]]:
        task = AsSingleton(self.tasks)
        # The verdicts go on by the same step: `FindDuplicates` says why.
        found = verdicts | "Embed" >> beam.FlatMap(_embed, task, self.config).with_outputs(
            EMBEDDED, main="judged"
        )
        # All shards are noted before any is looked at.
        embedded = found[EMBEDDED] | "Noted" >> beam.Reshuffle()
        counts = embedded | "Counts" >> beam.Values()
        count = AsSingleton(counts | "Count" >> beam.CombineGlobally(sum))
        centroids = (
            embedded
            | "Sample" >> beam.Map(_sample, task, count, self.config)
            | "Together" >> beam.GroupByKey()
            | "Fit" >> beam.Map(_fit, task, count, self.config)
        )
        more = (
            embedded
            | "Assign" >> beam.FlatMap(_assign, task, AsSingleton(centroids))
            | "ByCluster" >> beam.GroupByKey()
            | "Compare" >> beam.FlatMap(_compare, self.config, self.num_shards)
        )
        return (found.judged, more) | "Both" >> beam.Flatten()


def _embed(
    found: tuple[int, Verdicts], task: StageTask, config: EmbeddingConfig
) -> Iterator[tuple[int, Verdicts] | _TaggedEmbedded]:
    index, verdicts = found
    count = embed_shard(task, index, verdicts.dropped, config.scorer)
    yield found
    tagged: _TaggedEmbedded = TaggedOutput(EMBEDDED, (index, count))
    yield tagged


def _sample(
    embedded: tuple[int, int], task: StageTask, count: int, config: EmbeddingConfig
) -> tuple[int, Vectors]:
    return 0, clusters.sampled(read_vectors(task, embedded[0]), config.clusters, count)


def _fit(
    sample: tuple[int, Iterable[Vectors]], task: StageTask, count: int, config: EmbeddingConfig
) -> Values:
    url = task.note(0, _CENTROIDS)
    if not files.exists(url):
        found = clusters.fitted(joined(list(sample[1])), config.clusters, count)
        rows = pa.array([row.tobytes() for row in found], pa.binary())
        files.write_bytes(url, to_bytes(pa.table([rows], names=["centroid"])))
    rows = read_table(url)["centroid"].to_pylist()
    return np.frombuffer(b"".join(rows), "<i2").reshape(len(rows), -1 if rows else 0)


def _assign(
    embedded: tuple[int, int], task: StageTask, centroids: Values
) -> Iterator[tuple[int, Clustered]]:
    vectors = read_vectors(task, embedded[0])
    found = clusters.nearest(vectors.values, centroids)
    parts = found % (1 + (task.num_shards - 1) // SHARDS_PER_PART)
    for part in np.unique(parts).tolist():
        yield part, (vectors.take(parts == part), found[parts == part])


def _compare(
    group: tuple[int, Iterable[Any]], config: EmbeddingConfig, num_shards: int
) -> Iterator[tuple[int, Verdicts]]:
    vectors, found = zip(*group[1], strict=True)
    verdicts = semantic_verdicts(joined(vectors), np.concatenate(found), config.max_cosine)
    shards = shards_of(verdicts, num_shards)
    for shard in np.unique(shards).tolist():
        yield shard, Verdicts(verdicts[shards == shard])
