"""The select stage on Beam: the same rows with any number of shards, and after a kill."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline

from dalle_model import files
from pipelines.io import parquet
from pipelines.io.carried import packed
from pipelines.io.finish import finish_shard
from pipelines.io.keys import pair_key, shard_of
from pipelines.io.task import StageTask, Stopwatch
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.select.config import SelectConfig
from pipelines.select.explain import NOT_STORED, checks
from pipelines.select.pipeline import build
from pipelines.select.run_rows import SelectColumnError
from pipelines.select.shard import select_shard
from tests.support.beam_tasks import tasks
from tests.support.image_rows import row

NUM_ROWS = 300
SCORES = np.random.default_rng(0).normal(0.28, 0.05, NUM_ROWS).astype(np.float32).round(2)
ENTRIES = ("photo", "red apple", "apple", "dog")


def caption(number: int) -> str:
    rare = " of a dog" if number % 60 == 1 else ""
    return f"a photo, number {number}{rare}" if number % 4 else f"a red apple {number}"


def image_rows() -> list[dict[str, Any]]:
    rows = []
    for number in range(NUM_ROWS):
        url, text = f"http://a.test/{number}", caption(number)
        made = row(number, image=b"", width=150 + number, height=400)
        carried = packed({"clip_b32_similarity_score": float(SCORES[number])}).text
        rows.append(made | {"key": pair_key(url, text), "url": url, "caption": text,
                            "carried": carried})  # fmt: skip
    return rows


def task_of(root: Path, num_shards: int) -> StageTask:
    """The stage's work, with a selection before it that keeps all but the last rows, scored."""
    inputs = {IMAGES: (f"{root}/images",), SELECTION: (f"{root}/similarity",)}
    pending = tuple(range(num_shards))
    task = StageTask(str(root), "select", num_shards, "attempt", "print", pending, inputs)
    rows = image_rows()
    score = {r["key"]: SCORES[n] for n, r in enumerate(rows)}
    scored = pa.schema([*SELECTION_SCHEMA, pa.field("clip_score", pa.float32())])
    for index in range(num_shards):
        mine = [r for r in rows if shard_of(r["key"], num_shards) == index]
        mine.sort(key=lambda r: r["key"])
        kept = [r | {"clip_score": score[r["key"]]} for r in mine if r["url"] < "http://a.test/95"]
        for role, found, schema in ((IMAGES, mine, IMAGE_SCHEMA), (SELECTION, kept, scored)):
            table = pa.Table.from_pylist(found, schema=schema)
            files.write_bytes(task.input(role).part(index), parquet.to_bytes(table))
    return task


def run(task: StageTask, config: SelectConfig, carried: tuple[str, ...] = ()) -> set[str]:
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        build(tasks(pipeline, task), config, carried)
    return kept_keys(task)


def kept_keys(task: StageTask) -> set[str]:
    parts = [parquet.read_table(task.part(i)) for i in range(task.num_shards)]
    assert all(part.schema.equals(SELECTION_SCHEMA) for part in parts)
    return {key for part in parts for key in part["key"].to_pylist()}


def configs(folder: Path) -> list[SelectConfig]:
    entries = folder / "entries.txt"
    entries.write_text("\n".join(ENTRIES))
    return [
        SelectConfig(recipe="metaclip", entries=str(entries), t=20, seed=3),
        SelectConfig(recipe="datacomp_clip", score="clip_score", fraction=0.3),
        SelectConfig(recipe="datacomp_basic"),
    ]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_same_rows_with_one_two_and_sixteen_shards(tmp_path, which):
    found = []
    for num_shards in (1, 2, 16):
        task = task_of(tmp_path / str(num_shards), num_shards)
        found.append(run(task, configs(tmp_path)[which]))
    assert found[0] == found[1] == found[2]
    assert 10 < len(found[0]) < 280


def test_the_fraction_is_of_all_rows_that_are_left(tmp_path):
    kept = run(task_of(tmp_path, 3), configs(tmp_path)[1])
    rows = [
        (r["key"], SCORES[n]) for n, r in enumerate(image_rows()) if r["url"] < "http://a.test/95"
    ]
    threshold = sorted((score for _, score in rows), reverse=True)[int(len(rows) * 0.3)]
    assert kept == {key for key, score in rows if score >= threshold}


def test_rare_entries_keep_all_and_frequent_ones_about_t(tmp_path):
    task = task_of(tmp_path, 4)
    kept = run(task, configs(tmp_path)[0])
    dogs = {
        r["key"] for r in image_rows() if "dog" in r["caption"] and r["url"] < "http://a.test/95"
    }
    assert dogs
    assert dogs <= kept
    assert 20 <= len(kept) <= 80  # 20 of each of two frequent entries, within five deviations
    rejected = pa.concat_tables([parquet.read_table(task.rejected(i)) for i in range(4)])
    assert set(rejected["reason"].to_pylist()) == {"thinned_out"}
    assert set(rejected["detail"].to_pylist()) == {"photo", "apple"}
    assert set(rejected["threshold"].to_pylist()) == {20.0}


@pytest.mark.parametrize("which", [0, 1])
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, which, monkeypatch):
    config = configs(tmp_path)[which]
    whole, killed = task_of(tmp_path / "whole", 4), task_of(tmp_path / "killed", 4)
    run(whole, config)
    run(killed, config)
    for index in (1, 3):  # as if it was killed before these were written
        files.remove(killed.part(index))
    monkeypatch.setattr("pipelines.select.transforms.count_shard", _never)  # all was noted
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        build(tasks(pipeline, replace(killed, pending=(1, 3))), config, ())
    for index in range(4):
        for url in ("part", "rejected"):
            one, other = (getattr(task, url)(index) for task in (whole, killed))
            assert files.read_bytes(one) == files.read_bytes(other)


def _never(*_: Any) -> Any:
    raise AssertionError("counted again")


def test_a_score_that_a_source_carried(tmp_path):
    config = SelectConfig(recipe="datacomp_clip", arch="b32", threshold=0.3)
    kept = run(task_of(tmp_path, 2), config, ("clip_b32_similarity_score",))
    left = [(r["key"], n) for n, r in enumerate(image_rows()) if r["url"] < "http://a.test/95"]
    assert kept == {key for key, n in left if SCORES[n] >= np.float32(0.3)}


def test_a_score_that_is_nowhere_is_named_with_what_is_there(tmp_path):
    config = SelectConfig(recipe="laion2b")
    with pytest.raises(SelectColumnError, match=r"clip_b32_similarity_score.*there: clip_score;"):
        select_shard(task_of(tmp_path, 1), 0, config, ())


def test_explain_applies_the_rules_again(tmp_path):
    task, rows = task_of(tmp_path, 1), image_rows()
    basic, clip = configs(tmp_path)[2], configs(tmp_path)[1]
    small, large = rows[1], rows[50]
    assert next((c.reason, c.passed, c.measured) for c in checks(task, small, basic)) == (
        "small_image", False, 151.0)  # fmt: skip
    found = {check.reason: check for check in checks(task, large, basic)}
    assert found["few_words"].measured == 4
    assert found["not_english"].detail != ""
    assert all(check.detail == NOT_STORED for check in checks(task, large, clip))
    assert checks(task, large | {"reason": "low_score"}, clip) == []


def test_the_books_balance(tmp_path):
    task = task_of(tmp_path, 1)
    result = select_shard(task, 0, configs(tmp_path)[2], ())
    report = finish_shard(task, 0, result, Stopwatch())
    assert report.rows_in == report.rows_out + sum(report.reasons.values())
    assert report.reasons["small_image"] == sum(
        r["width"] < 200 for r in image_rows() if r["url"] < "http://a.test/95"
    )
