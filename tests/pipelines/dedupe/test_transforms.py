import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline

from dalle_model import files
from pipelines.dedupe import cuts, transforms
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.pipeline import build
from pipelines.dedupe.runs import Runs
from pipelines.io import parquet
from pipelines.io.task import StageTask
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION_SCHEMA
from tests.support.beam_tasks import tasks
from tests.support.pictures import hash_of, image_row, in_shards, picture

CONFIG = DedupeConfig(max_images_per_caption=2)
Row = dict[str, Any]


def image_rows() -> Iterator[Row]:
    """Twelve images, equal and similar ones of the first, and a caption that four share."""
    for number in range(12):
        edge, rgb = 100 + number, picture(number)
        for caption in [f"caption {number}", *(["A shared one"] if number >= 8 else [])]:
            yield image_row(f"http://a.test/{number}", caption, rgb, edge, hash_of(number))
    for number in range(3):
        yield image_row(f"http://b.test/{number}", "equal", picture(0), 100, hash_of(0))
    noisy = picture(0).clip(3) - np.uint8(3)
    yield image_row("http://b.test/near", "near", noisy, 99, hash_of(99))


def task_of(root: Path, num_shards: int, pending: tuple[int, ...] | None = None) -> StageTask:
    return StageTask(
        root=str(root),
        stage="dedupe",
        num_shards=num_shards,
        attempt="attempt",
        fingerprint="fingerprint",
        pending=tuple(range(num_shards)) if pending is None else pending,
        inputs={IMAGES: (f"{root}/images",)},
    )


def dedupe(
    root: Path, num_shards: int, seed: int = 0, pending: tuple[int, ...] | None = None
) -> tuple[pa.Table, pa.Table]:
    """Write the image shards, run the stage, and give back survivors and rejections."""
    task, rows = task_of(root, num_shards, pending), list(image_rows())
    random.Random(seed).shuffle(rows)
    for index, table in enumerate(in_shards(rows, num_shards, IMAGE_SCHEMA)):
        files.write_bytes(task.input(IMAGES).part(index), parquet.to_bytes(table))
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        build(tasks(pipeline, task), Runs(task.num_shards), CONFIG, in_parts=True)
    shards = range(num_shards) if pending is None else pending
    kept = pa.concat_tables([parquet.read_table(task.part(i)) for i in shards])
    rejected = pa.concat_tables([parquet.read_table(task.rejected(i)) for i in shards])
    return kept, rejected


def by_key(table: pa.Table) -> list[Row]:
    return sorted(table.to_pylist(), key=lambda r: r["key"])


def test_the_stage_drops_equal_similar_and_overused(tmp_path) -> None:
    kept, rejected = dedupe(tmp_path, 2)
    assert kept.schema.equals(SELECTION_SCHEMA)
    assert kept.num_rows + rejected.num_rows == len(list(image_rows()))
    reasons = sorted(r["reason"] for r in rejected.to_pylist())
    assert reasons == ["caption_cap"] * 2 + ["exact_duplicate"] * 3 + ["near_duplicate"]
    equal = [r for r in rejected.to_pylist() if r["reason"] == "exact_duplicate"]
    near = next(r for r in rejected.to_pylist() if r["reason"] == "near_duplicate")
    best = min(_keys_of_pixels_0())
    assert {r["detail"] for r in equal} == {best[:24]} == {near["detail"]}
    assert near["caption"] == "near"
    assert near["threshold"] == CONFIG.max_hamming
    assert near["measured"] <= 3
    capped = [r for r in rejected.to_pylist() if r["reason"] == "caption_cap"]
    assert {(r["measured"], r["threshold"]) for r in capped} == {(4.0, 2.0)}
    assert {r["detail"] for r in capped} == {min(_keys_of_the_shared_caption())}


def _keys_of_pixels_0() -> list[str]:
    return [r["key"] for r in image_rows() if r["pixel_hash"] == hash_of(0)]


def _keys_of_the_shared_caption() -> list[str]:
    return [r["key"] for r in image_rows() if r["caption"] == "A shared one"]


@pytest.mark.parametrize(
    ("tables", "shards", "whole"), [(4, 16, 100), (1, 1, 100), (3, 2, 100), (3, 2, 0)]
)
def test_shards_groups_parts_and_order_change_nothing(
    tmp_path, tables, shards, whole, monkeypatch
) -> None:
    expected = dedupe(tmp_path / "one", 1)
    monkeypatch.setattr(cuts, "TABLES_PER_GROUP", tables)
    monkeypatch.setattr(cuts, "WHOLE", whole)
    monkeypatch.setattr(cuts, "PART", 2)
    monkeypatch.setattr(transforms, "SHARDS_PER_PART", shards)
    again = dedupe(tmp_path / "again", 3, seed=shards)
    assert by_key(again[0]) == by_key(expected[0])
    assert by_key(again[1]) == by_key(expected[1])


def test_a_resumed_run_sees_the_images_of_finished_shards(tmp_path) -> None:
    whole = dedupe(tmp_path / "whole", 3)
    parts = [dedupe(tmp_path / "parts", 3, pending=(index,)) for index in range(3)]
    for side in (0, 1):
        resumed = pa.concat_tables([part[side] for part in parts])
        assert by_key(resumed) == by_key(whole[side])
