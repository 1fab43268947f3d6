"""Duplicates by embedding over the shards of a run."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline

from dalle_model import files
from dalle_model.pixels import Rgb
from pipelines.dedupe.config import DedupeConfig, EmbeddingConfig
from pipelines.dedupe.embedding import transforms, vectors
from pipelines.dedupe.pipeline import build
from pipelines.dedupe.runs import Runs
from pipelines.io import parquet
from pipelines.io.task import StageTask
from pipelines.records import IMAGE_SCHEMA, IMAGES
from tests.support.beam_tasks import tasks
from tests.support.pictures import Row, hash_of, image_row, in_shards, picture

SEEN: list[int] = []  # how many images each call was given


class Sides:
    """The mean colour of four parts of an image, which a mirrored copy has as well."""

    def embed_images(self, images):
        SEEN.append(len(images))
        whole = [image.astype(np.float64) + image[:, ::-1] for image in images]
        means = [np.ravel(one[:12].mean(axis=(0, 1)) - one[36:].mean(axis=(0, 1))) for one in whole]
        made = np.array(means) + 1e-3
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def mirrored(number: int) -> Rgb:
    return np.ascontiguousarray(picture(number)[:, ::-1])


def image_rows() -> list[Row]:
    """Ten images; mirrored ones of three of them, smaller; a copy of one."""
    rows = [
        image_row(f"http://a.test/{n}", f"caption {n}", picture(n), 100 + n, hash_of(n))
        for n in range(10)
    ]
    rows += [
        image_row(f"http://m.test/{n}", f"mirrored {n}", mirrored(n), 50, hash_of(100 + n))
        for n in range(3)
    ]
    return [*rows, image_row("http://b.test/5", "copy", picture(5), 40, hash_of(5))]


def dedupe(root: Path, num_shards: int, embedding: EmbeddingConfig) -> pa.Table:
    """The rejections of a run."""
    task = StageTask(
        str(root), "dedupe", num_shards, "attempt", "f", tuple(range(num_shards)),
        inputs={IMAGES: (f"{root}/images",)},
    )  # fmt: skip
    for index, table in enumerate(in_shards(image_rows(), num_shards, IMAGE_SCHEMA)):
        files.write_bytes(task.input(IMAGES).part(index), parquet.to_bytes(table))
    config = DedupeConfig(embedding=embedding)
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        build(tasks(pipeline, task), Runs(num_shards), config, in_parts=True)
    kept = sum(parquet.read_table(task.part(i)).num_rows for i in range(num_shards))
    rejected = pa.concat_tables([parquet.read_table(task.rejected(i)) for i in range(num_shards)])
    assert kept + rejected.num_rows == len(image_rows())
    return rejected.sort_by("key")


@pytest.fixture(autouse=True)
def embedder(monkeypatch) -> None:
    SEEN.clear()
    monkeypatch.setattr(vectors, "load_embedder", lambda _name: Sides())


def test_mirrored_images_are_found_and_copies_are_not_embedded(tmp_path) -> None:
    found = dedupe(tmp_path, 2, EmbeddingConfig(max_cosine=0.9995, clusters=1)).to_pylist()
    keys = {row["url"]: row["key"][:24] for row in image_rows()}
    semantic = {row["url"]: row for row in found if row["reason"] == "semantic_duplicate"}
    assert {url: row["detail"] for url, row in semantic.items()} == {
        f"http://m.test/{n}": keys[f"http://a.test/{n}"] for n in range(3)
    }
    assert {(row["threshold"], row["measured"] > 0.9995) for row in semantic.values()} == {
        (0.9995, True)
    }
    assert [row["url"] for row in found if row["reason"] == "exact_duplicate"] == [
        "http://b.test/5"
    ]
    assert sum(SEEN) == 13


@pytest.mark.parametrize("clusters", [1, 3])
def test_shards_and_parts_change_nothing(tmp_path, clusters, monkeypatch) -> None:
    config = EmbeddingConfig(max_cosine=0.95, clusters=clusters)
    expected = dedupe(tmp_path / "one", 1, config)
    monkeypatch.setattr(transforms, "SHARDS_PER_PART", 1)
    assert dedupe(tmp_path / "four", 4, config).equals(expected)


def test_work_that_is_taken_up_again_embeds_nothing_twice(tmp_path) -> None:
    config = EmbeddingConfig(max_cosine=0.95)
    expected = dedupe(tmp_path, 3, config)
    SEEN.clear()
    assert dedupe(tmp_path, 3, config).equals(expected)
    assert SEEN == []
