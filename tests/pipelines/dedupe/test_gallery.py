"""What the report shows of duplicates: the image that stayed, then those dropped for it."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dalle_model import files
from pipelines.dedupe import gallery
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.gallery import galleries
from pipelines.io.finish import finish_shard
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.task import ShardResult, Stopwatch
from pipelines.records import SELECTION_SCHEMA
from pipelines.rejection import Check, reject
from tests.support.pictures import Row, finished_run, hash_of, image_row, picture
from tests.support.tasks import stage_task

ROWS = [
    image_row(f"http://a.test/{n}", f"caption {n}", picture(n), 50, hash_of(n)) for n in range(4)
]
OLD = image_row("http://old.test/9", "old", picture(9), 50, hash_of(9))


@pytest.fixture
def old(tmp_path) -> str:
    return finished_run(tmp_path / "2025", [OLD], 2)


def image(number: int) -> str:
    return str(ROWS[number]["key"][:24])


def finished(root: Path, details: dict[int, str]) -> tuple[StageFolder, Manifest]:
    """A run whose dedupe stage has dropped rows, by number, for the images in their details."""
    finished_run(root, ROWS, 1)
    task = stage_task(root, "dedupe")
    checks = {n: Check("near_duplicate", False, 3.0, 20.0, name) for n, name in details.items()}
    rejected = [reject(ROWS[n], "dedupe", check) for n, check in checks.items()]
    kept = SELECTION_SCHEMA.empty_table()
    report = finish_shard(task, 0, ShardResult(kept, rejected, len(rejected)), Stopwatch())
    identity: Row = {"stage": "dedupe", "fingerprint": "f", "config": {}, "inputs": {}}
    return task.folder, Manifest.of_shards([report], 1, **identity, dependencies={})


def pixels(shown: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(shown)))


def test_the_image_that_stayed_comes_first_then_those_dropped_for_it(tmp_path) -> None:
    folder, manifest = finished(tmp_path / "run", {1: image(0), 2: image(0)})
    (shown,) = galleries(folder, manifest, DedupeConfig())
    assert shown.title.endswith("near_duplicate")
    (item,) = shown.items
    assert item.caption == f"2 rows dropped for {image(0)}; measured 3, 3"
    assert not item.is_marked
    labels = [label.split()[0] for label in item.images]
    assert labels == ["stayed:", "dropped:", "dropped:"]
    first, *others = item.images.values()
    assert np.array_equal(pixels(first), picture(0))
    assert {pixels(one).tobytes() for one in others} == {picture(1).tobytes(), picture(2).tobytes()}


def test_one_of_a_finished_run_is_shown_from_there_and_marked(tmp_path, old) -> None:
    name = f"{OLD['key'][:24]} of 2025"
    folder, manifest = finished(tmp_path / "run", {1: name})
    config = DedupeConfig(against=(old,))
    ((item,),) = [shown.items for shown in galleries(folder, manifest, config)]
    assert item.is_marked
    assert np.array_equal(pixels(next(iter(item.images.values()))), picture(9))
    for url in RunFolder(old, 2).stage("images").parts():
        files.remove(url)
    ((item,),) = [shown.items for shown in galleries(folder, manifest, config)]
    assert [label.split()[0] for label in item.images] == ["dropped:"]


def test_few_clusters_and_few_of_each_are_shown(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(gallery, "CLUSTERS", 1)
    monkeypatch.setattr(gallery, "DROPPED", 1)
    names = sorted(image(n) for n in (0, 3))
    folder, manifest = finished(tmp_path / "run", {1: names[0], 2: names[1]})
    (shown,) = galleries(folder, manifest, DedupeConfig())
    assert [item.caption.split()[4].strip(";") for item in shown.items] == names[:1]
    assert len(shown.items[0].images) == 2


def test_nothing_is_shown_where_nothing_was_dropped_or_images_were_freed(tmp_path) -> None:
    folder, manifest = finished(tmp_path / "run", {})
    assert galleries(folder, manifest, DedupeConfig()) == []
    folder, manifest = finished(tmp_path / "freed", {1: image(0)})
    for url in RunFolder(str(tmp_path / "freed"), 1).stage("images").parts():
        files.remove(url)
    assert galleries(folder, manifest, DedupeConfig()) == []
