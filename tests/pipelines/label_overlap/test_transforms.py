"""The stage on Beam with a table and with a classifier: books, columns, reasons."""

import json

import numpy as np
import pyarrow as pa
import pytest

from dalle_model import files
from dalle_model.pixels import to_png
from pipelines.io import parquet
from pipelines.io.keys import pair_key, shard_of
from pipelines.label_overlap.config import ClassifierConfig, LabelOverlapConfig
from pipelines.label_overlap.shard import checks_of
from pipelines.label_overlap.stage import STAGE
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.stage import Job
from tests.support.image_rows import row
from tests.support.onnx_files import write_mean_classifier
from tests.support.stages import run_on_beam
from tests.support.tasks import stage_task

NUM_SHARDS, SIDE = 3, 16
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
CAPTIONS = {"red": "the reds of autumn", "green": "a green door", "blue": "a red car"}
BROKEN = "http://x.test/broken"


def image_rows():
    """Four images of each colour with two captions each, of which one names nothing."""
    for colour, rgb in COLOURS.items():
        image = to_png(np.zeros((20, 24, 3), np.uint8) + np.array(rgb, np.uint8))
        for number in range(4):
            for caption in (CAPTIONS[colour], "a thing"):
                url = f"http://x.test/{colour}/{number}"
                yield row(0, image=image) | {"url": url, "caption": caption}
    yield row(0, image=b"broken") | {"url": BROKEN, "caption": "a red thing"}


@pytest.fixture
def task(tmp_path):
    task = stage_task(tmp_path, "label_overlap", NUM_SHARDS)
    rows = [one | {"key": pair_key(one["url"], one["caption"])} for one in image_rows()]
    rows.sort(key=lambda one: one["key"])
    for index in range(NUM_SHARDS):
        mine = [one for one in rows if shard_of(one["key"], NUM_SHARDS) == index]
        kept = [{name: one[name] for name in SELECTION_SCHEMA.names} for one in mine]
        for role, content, schema in (
            (IMAGES, mine, IMAGE_SCHEMA),
            (SELECTION, kept, SELECTION_SCHEMA),
        ):
            table = pa.Table.from_pylist(content, schema=schema)
            files.write_bytes(task.input(role).part(index), parquet.to_bytes(table))
    return task


@pytest.fixture
def classifier(tmp_path):
    (tmp_path / "names.txt").write_text("red\ngreen\nblue\n")
    return ClassifierConfig(
        path=str(write_mean_classifier(tmp_path / "mean.onnx", SIDE)),
        names=str(tmp_path / "names.txt"),
        side=SIDE,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        activation="none",
    )


def rows_of(task, url):
    parts = [parquet.read_table(url(index)) for index in range(task.num_shards)]
    return pa.concat_tables(parts).to_pylist()


def test_captions_that_name_what_a_classifier_sees_are_kept(task, classifier):
    config = LabelOverlapConfig(classifier=classifier, min_labels=1, min_score=0.5)
    counters = run_on_beam(STAGE, Job(task, config))
    assert counters == {"rows_in": 25, "rows_out": 8, "no_label_overlap": 16, "undecodable": 1}
    kept = rows_of(task, task.part)
    assert {(r["caption"], r["labels"], r["label_overlap"]) for r in kept} == {
        (CAPTIONS["red"], "red", 1),
        (CAPTIONS["green"], "green", 1),
    }
    (dropped,) = {
        (r["measured"], r["threshold"], r["detail"])
        for r in rows_of(task, task.rejected)
        if r["caption"] == CAPTIONS["blue"]
    }
    assert dropped == (0, 1, "blue")
    assert all(checks_of(found, config)[0].passed for found in kept)


def test_a_table_that_says_the_same_keeps_the_same(task, classifier, tmp_path):
    config = LabelOverlapConfig(classifier=classifier, min_labels=1, min_score=0.5)
    run_on_beam(STAGE, Job(task, config))
    expected = [files.read_bytes(task.part(index)) for index in range(NUM_SHARDS)]
    labels = {r["url"]: [r["url"].split("/")[-2]] for r in image_rows() if r["url"] != BROKEN}
    lines = [json.dumps({"url": url, "labels": named}) for url, named in labels.items()]
    (tmp_path / "labels.jsonl").write_text("\n".join(lines * 2))  # each twice
    counters = run_on_beam(
        STAGE, Job(task, LabelOverlapConfig(table=str(tmp_path / "labels.jsonl")))
    )
    assert counters == {"rows_in": 25, "rows_out": 8, "no_label_overlap": 16, "no_labels": 1}
    assert [files.read_bytes(task.part(index)) for index in range(NUM_SHARDS)] == expected


def test_without_a_least_overlap_all_rows_have_their_labels(task, classifier):
    config = LabelOverlapConfig(classifier=classifier, max_labels=5, min_overlap=0)
    counters = run_on_beam(STAGE, Job(task, config))
    assert counters == {"rows_in": 25, "rows_out": 24, "undecodable": 1}
    assert {len(r["labels"].split("; ")) for r in rows_of(task, task.part)} == {3}
