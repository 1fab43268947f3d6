"""What is done with one shard: its captions are compared with the labels of its images."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any

import pyarrow as pa

from dalle_model.pixels import from_stored
from dalle_model.shards import image_of
from pipelines.io.batches import RowBatch
from pipelines.io.parquet import rows_of
from pipelines.io.selections import surviving_row_groups
from pipelines.io.task import BatchedResult, ShardResult, StageTask
from pipelines.label_overlap.classifier import Classifier, shared_classifier
from pipelines.label_overlap.config import (
    NO_LABELS,
    NO_OVERLAP,
    UNDECODABLE,
    LabelOverlapConfig,
    dependencies,
)
from pipelines.label_overlap.matching import SEPARATOR, chosen_labels, overlap
from pipelines.label_overlap.table import ImageLabels
from pipelines.records import SELECTION_SCHEMA
from pipelines.rejection import Check, reject

LABELS, OVERLAP = "labels", "label_overlap"
# `labels`: the best first, between semicolons. `label_overlap`: how many the caption names.
SCHEMA = pa.schema(
    [
        *SELECTION_SCHEMA,
        pa.field(LABELS, pa.string(), nullable=False),
        pa.field(OVERLAP, pa.uint16(), nullable=False),
    ]
)

Row = dict[str, Any]
Labels = Sequence[str] | Check  # of an image, or why it has none


def classify_shard(task: StageTask, index: int, config: LabelOverlapConfig) -> BatchedResult:
    """Give the images of a shard labels, each once, and keep the captions that name some.

    Args:
        task: of the stage.
        index: of the shard.
        config: with a classifier.

    Raises:
        LabelsError: the classifier cannot be used; here, or by the batches.
        UnreadableShardError: the image or the survivor shard is missing or corrupt; likewise.
    """
    assert config.classifier is not None
    classifier = shared_classifier(config.classifier, tuple(sorted(dependencies(config).items())))

    def labels_of(row: Row) -> Labels:
        return _seen(row["image"], classifier, config)

    columns = [*SELECTION_SCHEMA.names, "image"]
    tables = surviving_row_groups(task, index, columns)
    return BatchedResult(SCHEMA, _results(task, tables, labels_of, config))


def match_shard(
    task: StageTask, index: int, found: Iterable[list[ImageLabels]], config: LabelOverlapConfig
) -> BatchedResult:
    """Keep the captions of a shard that name labels which a table has of their images.

    Args:
        task: of the stage.
        index: of the shard.
        found: the labels of its images, in any order and number. Of an image that has several rows,
            the first in the order of their labels holds.
        config: with a table.
    """
    known: dict[str, tuple[str, ...]] = {}
    for image, labels in chain.from_iterable(found):
        known[image] = min(labels, known.get(image, labels))

    def labels_of(row: Row) -> Labels:
        return known.get(image_of(row["key"]), ())

    tables = surviving_row_groups(task, index, SELECTION_SCHEMA.names)
    return BatchedResult(SCHEMA, _results(task, tables, labels_of, config))


def checks_of(row: Mapping[str, Any], config: LabelOverlapConfig) -> list[Check]:
    """The rule applied again to a row that was kept; a rejection tells of one dropped."""
    if OVERLAP not in row:
        return []
    return [Check(NO_OVERLAP, True, row[OVERLAP], config.min_overlap, row[LABELS])]


def _results(
    task: StageTask, tables: Iterable[pa.Table], labels_of: Any, config: LabelOverlapConfig
) -> Iterator[ShardResult]:
    batch = RowBatch(SCHEMA)
    for _, rows in groupby(_counted(tables, batch), lambda row: image_of(row["key"])):
        first = next(rows)
        labels = labels_of(first)
        for row in chain([first], rows):
            outcome = _judged(row["caption"], labels, config)
            if isinstance(outcome, Check):
                batch.drop(reject(row, task.stage, outcome))
            else:
                batch.keep({name: row[name] for name in SELECTION_SCHEMA.names} | outcome)
        if batch.is_full:
            yield batch.take()
    yield batch.take()


def _counted(tables: Iterable[pa.Table], batch: RowBatch) -> Iterator[Row]:
    for table in tables:
        for row in rows_of(table):
            batch.rows_in += 1
            yield row


def _judged(caption: str, labels: Labels, config: LabelOverlapConfig) -> Row | Check:
    """The columns of a row that is kept, or why it is not."""
    if isinstance(labels, Check):
        return labels
    if not labels and config.min_overlap:
        return Check(NO_LABELS, passed=False)
    number, text = overlap(labels, caption), SEPARATOR.join(labels)
    if number < config.min_overlap:
        return Check(NO_OVERLAP, False, number, config.min_overlap, text)
    return {LABELS: text, OVERLAP: number}


def _seen(image: bytes, classifier: Classifier, config: LabelOverlapConfig) -> Labels:
    try:
        rgb = from_stored(image)
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on a broken file
        return Check(UNDECODABLE, passed=False, detail=type(error).__name__)
    return chosen_labels(classifier.labels(rgb), config)
