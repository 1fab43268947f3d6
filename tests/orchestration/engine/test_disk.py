"""What a run would write is counted before it, and compared with what is free."""

import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.engine.config_file import check_config
from orchestration.engine.disk import DiskNeed, disk_need, free_bytes
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run
from orchestration.engine.preview import preview
from orchestration.engine.progress import Quiet
from orchestration.engine.run import run_stages
from pipelines.io.cleaned import Cleaned, write_mark
from pipelines.io.manifest import Manifest, write_manifest

NUM_IMAGES, IMAGE_BYTES = 50, 20_000
STAGES = ("crawl", "captions", "fetch", "images", "dedupe", "encode")
Usage = namedtuple("Usage", ["total", "used", "free"])


@pytest.fixture
def run(tmp_path) -> Run:
    """Of a folder of images, which are no images: nothing reads them."""
    (tmp_path / "images").mkdir()
    for number in range(NUM_IMAGES):
        (tmp_path / "images" / f"{number}.jpg").write_bytes(bytes(IMAGE_BYTES))
        (tmp_path / "images" / f"{number}.txt").write_text("a barn")
    return of(tmp_path, {"side": 64})


def of(folder: Path, images: dict[str, object], source: str = "images") -> Run:
    document = {"num_shards": 2, "crawl": {"sources": [{"path": source}]}, "images": images}
    return Run(check_config(document, str(folder)), f"{folder}/run")


def need(run: Run) -> DiskNeed:
    graph = Graph.of(run.config)
    return disk_need(run, graph, preview(run, graph, graph.stages))


def finish(run: Run, name: str, rows: int, num_bytes: int) -> None:
    graph = Graph.of(run.config)
    stage = next(stage for stage in graph.stages if stage.name == name)
    entry = {"name": "part", "bytes": num_bytes, "sha256": ""}
    manifest = Manifest(name, "f", {}, {}, graph.dependencies(stage), 2, rows, rows, files=[entry])
    write_manifest(run.folder.stage(name), manifest)


def test_the_images_of_a_folder_are_counted_once_and_at_the_size_as_stored(run):
    small, found = NUM_IMAGES * IMAGE_BYTES, need(run)
    assert found.row_bytes == 0
    stored = NUM_IMAGES * 162e3 / 16  # of 64 px: a sixteenth of those of 256
    assert small + stored < found.num_bytes < small + stored + NUM_IMAGES * 1000
    jpeg = need(of(Path(run.root).parent, {"side": 64, "store": "jpeg"}))
    assert found.num_bytes - jpeg.num_bytes == pytest.approx(stored * 2 / 3)


def test_of_a_table_each_pair_is_counted_until_its_rows_are_known(tmp_path):
    (tmp_path / "pairs.tsv").write_text("a barn\thttp://h.example/1.png\n")
    run = of(tmp_path, {"side": 256}, "pairs.tsv")
    found = need(run)
    assert found.num_bytes == 0
    assert 208e3 + 162e3 < found.row_bytes < 208e3 + 162e3 + 1000
    assert "up to 370" in str(found)
    finish(run, "crawl", rows=1000, num_bytes=63_000)
    known = need(run)
    assert known.row_bytes == 0
    assert known.num_bytes == pytest.approx(1000 * found.row_bytes, rel=1e-3)


def test_images_that_are_there_are_not_counted_as_those_of_the_web(tmp_path):
    (tmp_path / "pairs.tsv").write_text("a barn\thttp://h.example/1.png\n")
    run = of(tmp_path, {"side": 256}, "pairs.tsv")
    finish(run, "crawl", rows=1000, num_bytes=20_000_000)
    assert need(run).num_bytes < 1000 * 163e3 + 20_000_001


def test_what_is_replaced_stays_until_its_next_result_is_whole(run):
    for name in STAGES:
        finish(run, name, rows=10, num_bytes=500)
    assert need(run).num_bytes == 500


def test_the_sources_of_what_is_finished_may_be_gone(run):
    finish(run, "crawl", rows=10, num_bytes=500)
    graph = Graph.of(run.config)
    for file in (Path(run.root).parent / "images").iterdir():
        file.unlink()
    assert disk_need(run, graph, []).num_bytes == 0


def test_freed_rows_come_on_top(run):
    for name in STAGES:
        finish(run, name, rows=10, num_bytes=500)
    write_mark(run.folder.stage("crawl"), Cleaned(9000, 1))
    assert need(run).num_bytes == 9000 + 500


def test_it_is_said_what_is_free_and_whether_it_is_enough(run, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 1000))
    assert need(run).is_too_much
    assert "but only 1.0 kB are free: make room" in str(need(run))
    assert free_bytes(str(tmp_path / "not" / "there")) == 1000
    assert free_bytes("s3://bucket/run") is None
    assert str(DiskNeed(0, 0, None)) == "disk       nothing would be written"
    assert not DiskNeed(1e15).is_too_much


def test_a_run_says_beforehand_that_it_will_not_fit(run, monkeypatch):
    said: list[str] = []

    class Told(Quiet):
        def say(self, text, /) -> None:
            said.append(text)

    monkeypatch.setattr("orchestration.engine.run._next_done", lambda *_: [])
    run_stages(run, [], Told())
    assert said == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 1000))
    run_stages(run, [], Told())
    assert "but only 1.0 kB are free" in said[0]
    run_stages(replace(run, root="memory://disk/run"), [], Told())
    assert len(said) == 1
