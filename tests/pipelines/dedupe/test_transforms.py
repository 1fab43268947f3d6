import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from dalle_model import files
from dalle_model.pixels import to_png
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.pipeline import build
from pipelines.dedupe.signatures import Duplicate, Pair
from pipelines.dedupe.transforms import (
    DUPLICATES,
    PAIRS,
    REJECTED,
    CapCaptions,
    DropExact,
    FindNear,
    JoinDuplicates,
)
from pipelines.io import parquet
from pipelines.io.keys import pair_key, shard_of
from pipelines.io.task import StageTask
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION_SCHEMA
from pipelines.rejection import Rejection
from tests.support.signatures import signature

CONFIG = DedupeConfig(max_images_per_caption=2)


def task_of(root: Path, num_shards: int, pending: tuple[int, ...] | None = None) -> StageTask:
    chosen = tuple(range(num_shards)) if pending is None else pending
    return StageTask(
        root=str(root),
        stage="dedupe",
        num_shards=num_shards,
        attempt="attempt",
        fingerprint="fingerprint",
        pending=chosen,
        inputs={IMAGES: (f"{root}/images",)},
    )


def run(transform: beam.PTransform[Any, Any], elements: list[Any]) -> tuple[beam.Pipeline, Any]:
    """The outputs by name, checked inside Beam by the caller's `assert_that`."""
    pipeline = _TestPipeline(runner="FnApiRunner")
    return pipeline, pipeline | beam.Create(elements) | transform


def test_drop_exact_routes() -> None:
    first, second, other = (
        signature("a", pixel_hash="x"),
        signature("b", pixel_hash="x"),
        signature("c"),
    )
    pipeline, outputs = run(DropExact(), [second, other, first])
    found = Duplicate(first.rank, "exact_duplicate", 0.0, 0.0)
    assert_that(outputs.kept, equal_to([first, other]), "kept")
    assert_that(outputs[DUPLICATES], equal_to([("b", found)]), "duplicates")
    pipeline.run()


def test_find_near_routes() -> None:
    first, second, other = signature("a"), signature("b", phash=1), signature("c", phash=2**64 - 1)
    pipeline, found = run(FindNear(CONFIG), [second, other, first])
    best = found | beam.CombinePerKey(min)
    assert_that(best, equal_to([("b", Duplicate(first.rank, "near_duplicate", 1.0, 7))]))
    pipeline.run()


def pair(image: str, caption: str) -> Pair:
    return {"key": pair_key(image, caption), "url": image, "caption": caption}


def test_join_duplicates_routes() -> None:
    kept, dropped = pair("a", "one"), pair("b", "two")
    found = Duplicate((-1, "a"), "near_duplicate", 1.0, 7.0)
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        pairs = pipeline | "Pairs" >> beam.Create([("b", dropped), ("a", kept)])
        duplicates = pipeline | "Found" >> beam.Create([("b", found)])
        outputs = {PAIRS: pairs, DUPLICATES: duplicates} | JoinDuplicates("dedupe")
        assert_that(outputs.kept, equal_to([kept]), "kept")
        reasons = outputs[REJECTED] | beam.Map(lambda r: (r.key, r.reason, r.detail))
        assert_that(reasons, equal_to([(dropped["key"], "near_duplicate", "a")]), "rejected")


def test_cap_captions_routes() -> None:
    group = [pair("a", "Dog"), pair("b", "dog"), pair("c", "DOG"), pair("d", "cat")]
    pipeline, outcomes = run(CapCaptions(CONFIG, "dedupe"), group)
    last = max(group[:3], key=lambda p: p["key"])
    routed = outcomes | beam.Map(
        lambda o: (o.key, o.reason) if isinstance(o, Rejection) else (o["key"], "")
    )
    expected = [(p["key"], "caption_cap" if p is last else "") for p in group]
    assert_that(routed, equal_to(expected))
    pipeline.run()


def image_rows() -> Iterator[Pair]:
    """Twelve images, an equal and a similar one of the first, and a caption that four share."""
    chance = np.random.default_rng(3)
    for number in range(12):
        png = to_png(chance.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        phash = int(chance.integers(0, 2**63))
        width = 100 + number
        for caption in [f"caption {number}", *(["A shared one"] if number >= 8 else [])]:
            yield image_row(f"http://a.test/{number}", caption, png, width, f"{number:032x}", phash)
        if number == 0:
            yield image_row("http://b.test/equal", "equal", png, width, f"{0:032x}", phash)
            yield image_row("http://b.test/near", "near", png, width - 1, f"{99:032x}", phash ^ 5)


def image_row(url: str, caption: str, png: bytes, size: int, pixel_hash: str, phash: int) -> Pair:
    return pair(url, caption) | {
        "page_url": "",
        "license": "",
        "source": "test",
        "image": png,
        "width": size,
        "height": size,
        "sha256": "",
        "pixel_hash": pixel_hash,
        "phash": phash,
    }


def dedupe(
    root: Path, num_shards: int, seed: int = 0, pending: tuple[int, ...] | None = None
) -> tuple[pa.Table, pa.Table]:
    """Write the image shards, run the stage, and give back survivors and rejections."""
    task, rows = task_of(root, num_shards, pending), list(image_rows())
    random.Random(seed).shuffle(rows)
    for index in range(num_shards):
        mine = [r for r in rows if shard_of(r["key"], num_shards) == index]
        table = pa.Table.from_pylist(sorted(mine, key=lambda r: r["key"]), schema=IMAGE_SCHEMA)
        files.write_bytes(task.input(IMAGES).part(index), parquet.to_bytes(table))
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        build(pipeline, task, CONFIG)
    shards = range(num_shards) if pending is None else pending
    kept = pa.concat_tables([parquet.read_table(task.part(i)) for i in shards])
    rejected = pa.concat_tables([parquet.read_table(task.rejected(i)) for i in shards])
    return kept, rejected


def by_key(table: pa.Table) -> list[Pair]:
    return sorted(table.to_pylist(), key=lambda row: row["key"])


def test_the_stage_drops_equal_similar_and_overused(tmp_path) -> None:
    kept, rejected = dedupe(tmp_path, 2)
    assert kept.schema.equals(SELECTION_SCHEMA)
    assert kept.num_rows + rejected.num_rows == len(list(image_rows()))
    reasons = sorted(row["reason"] for row in rejected.to_pylist())
    assert reasons == ["caption_cap"] * 2 + ["exact_duplicate", "near_duplicate"]
    near = next(r for r in rejected.to_pylist() if r["reason"] == "near_duplicate")
    assert (near["caption"], near["measured"], near["threshold"]) == ("near", 2.0, 7.0)


def test_shards_and_order_change_nothing(tmp_path) -> None:
    kept, rejected = dedupe(tmp_path / "one", 1)
    for num_shards, seed in ((1, 1), (3, 2)):
        again = dedupe(tmp_path / f"{num_shards}-{seed}", num_shards, seed)
        assert by_key(again[0]) == by_key(kept)
        assert by_key(again[1]) == by_key(rejected)


def test_a_resumed_run_sees_the_images_of_finished_shards(tmp_path) -> None:
    whole = dedupe(tmp_path / "whole", 3)
    parts = [dedupe(tmp_path / "parts", 3, pending=(index,)) for index in range(3)]
    for side in (0, 1):
        resumed = pa.concat_tables([part[side] for part in parts])
        assert by_key(resumed) == by_key(whole[side])
