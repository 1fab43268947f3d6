"""Vectors as whole numbers, noted by shard."""

import numpy as np
import pyarrow as pa
import pytest

from dalle_model import files
from dalle_model.clip.scorer import ScorerError
from pipelines.dedupe.embedding import vectors
from pipelines.dedupe.embedding.vectors import SCALE, embed_shard, joined, read_vectors
from pipelines.dedupe.keys import IMAGE_FIELDS, image_digits
from pipelines.io import parquet
from pipelines.io.task import StageTask
from pipelines.records import IMAGE_SCHEMA, IMAGES
from tests.support.pictures import Row, hash_of, image_row, picture

NONE = np.empty(0, IMAGE_FIELDS)


class Colours:
    """The mean colour of an image as its vector; counts the images that it has seen."""

    def __init__(self) -> None:
        self.seen = 0

    def embed_images(self, images):
        self.seen += len(images)
        means = np.array([image.reshape(-1, 3).mean(axis=0) for image in images])
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def embedder(monkeypatch) -> Colours:
    colours = Colours()
    monkeypatch.setattr(vectors, "load_embedder", lambda _name: colours)
    return colours


def written(root, rows: list[Row]) -> StageTask:
    task = StageTask(
        str(root), "dedupe", 1, "attempt", "f", (0,), inputs={IMAGES: (f"{root}/images",)}
    )
    table = pa.Table.from_pylist(sorted(rows, key=lambda r: r["key"]), schema=IMAGE_SCHEMA)
    files.write_bytes(task.input(IMAGES).part(0), parquet.to_bytes(table))
    return task


def rows_of(*numbers: int) -> list[Row]:
    return [
        image_row(f"http://a.test/{n}", caption, picture(n), 50 + n, hash_of(n))
        for n in numbers
        for caption in ("one", "another")
    ]


def test_each_image_is_embedded_once_however_often_it_is_asked_for(tmp_path, embedder) -> None:
    task = written(tmp_path, rows_of(0, 1, 2))
    assert embed_shard(task, 0, NONE, "colours") == 3
    assert embed_shard(task, 0, NONE, "colours") == 3
    assert embedder.seen == 3
    found = read_vectors(task, 0)
    assert sorted(image_digits(found.images)) == image_digits(found.images)
    assert {*found.images["area"].tolist()} == {50**2, 51**2, 52**2}
    lengths = np.linalg.norm(found.values.astype(float), axis=1)
    assert np.all(np.abs(lengths - SCALE) < 1)


def test_images_that_are_dropped_already_are_not_embedded(tmp_path, embedder) -> None:
    rows = rows_of(0, 1)
    task = written(tmp_path, rows)
    gone = np.array([(int(rows[0]["key"][:16], 16), int(rows[0]["key"][16:24], 16))], IMAGE_FIELDS)
    assert embed_shard(task, 0, gone, "colours") == 1
    assert image_digits(read_vectors(task, 0).images) == [rows[2]["key"][:24]]


def test_shards_without_images_can_be_joined_with_others(tmp_path, embedder) -> None:
    some, none = written(tmp_path / "some", rows_of(3)), written(tmp_path / "none", [])
    assert embed_shard(none, 0, NONE, "colours") == 0
    embed_shard(some, 0, NONE, "colours")
    parts = [read_vectors(none, 0), read_vectors(some, 0)]
    assert joined(parts).values.shape == (1, 3)
    assert joined(parts[:1]).values.shape == (0, 0)


def test_a_batch_changes_no_vector(tmp_path, embedder, monkeypatch) -> None:
    one, other = (
        written(tmp_path / "1", rows_of(*range(5))),
        written(tmp_path / "2", rows_of(*range(5))),
    )
    embed_shard(one, 0, NONE, "colours")
    monkeypatch.setattr(vectors, "EMBEDDED_AT_ONCE", 2)
    embed_shard(other, 0, NONE, "colours")
    assert np.array_equal(read_vectors(one, 0).values, read_vectors(other, 0).values)


def test_vectors_of_other_lengths_are_refused() -> None:
    with pytest.raises(ScorerError, match="lengths of 1 to 2, not 1"):
        vectors.whole_numbers(np.array([[1, 0], [0, 2]], np.float32))
