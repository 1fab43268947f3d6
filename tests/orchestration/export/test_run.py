"""Exports of a finished run, read back by those for whom they are: the real packages, and us."""

import io
import json
import os
import subprocess
import sys
import warnings
import weakref
from collections import Counter
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import dalle
from dalle_model import files
from dalle_model.errors import DalleError, UsageError
from dalle_model.pixels import to_png
from orchestration.cli.main import run_line
from orchestration.export.run import LAYOUTS, ExportError, Form, export_run
from orchestration.export.samples import IMAGE_COLUMN
from orchestration.export.samples import samples_of as real_samples_of
from pipelines.io import parquet
from pipelines.io.keys import pair_key
from pipelines.io.layout import RunFolder
from pipelines.io.selections import selected_row_groups
from tests.support.finished_run import image_row, write_run
from tests.support.image_rows import noise
from tests.support.loopback import loopback_web
from tests.support.sources import png

ROWS = [image_row(n) for n in range(7)]
DROPPED = ROWS[2:3]
KEPT = [row for row in ROWS if row not in DROPPED]
PER_SHARD = 4
MODULE = "orchestration.export.run"


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "run", ROWS, DROPPED)


def export(root, layout, out, image_format="", per_shard=PER_SHARD):
    return dalle.export(
        layout, str(out), str(root), image_format=image_format, samples_per_shard=per_shard
    )


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def pixels(encoded: bytes) -> bytes:
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB")).tobytes()


PAIRS = Counter((row["caption"], pixels(row[IMAGE_COLUMN])) for row in KEPT)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_survivors_are_exported_in_shards(root, tmp_path, layout):
    result = export(root, layout, tmp_path)
    assert (result.num_samples, result.num_shards, result.left_out) == (6, 2, 0)
    assert (result.out, result.layout) == (str(tmp_path), layout)
    tables = [pq.read_table(tmp_path / f"0000{shard}.parquet") for shard in (0, 1)]
    assert [table.num_rows for table in tables] == [4, 2]
    keys = [key for table in tables for key in table["pair_key"].to_pylist()]
    assert sorted(keys) == sorted(row["key"] for row in KEPT)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_exports_are_equal_bytes_and_one_given_again_changes_none(root, tmp_path, layout):
    export(root, layout, tmp_path / "a")
    export(root, layout, tmp_path / "b")
    first = contents(tmp_path / "a")
    assert first == contents(tmp_path / "b")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*.*")}
    assert export(root, layout, tmp_path / "a") == export(root, layout, tmp_path / "a")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*.*")} == stamps


def test_the_layout_files_has_a_folder_a_shard(root, tmp_path):
    export(root, "files", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".dalle-export", "00000", "00000.parquet", "00000_stats.json",
        "00001", "00001.parquet", "00001_stats.json",
    ]  # fmt: skip
    names = sorted(path.name for path in (tmp_path / "00001").iterdir())
    assert names == [f"00001{n}.{suffix}" for n in (0, 1) for suffix in ("json", "png", "txt")]
    stats = json.loads((tmp_path / "00001_stats.json").read_text())
    assert (stats["count"], stats["successes"]) == (2, 2)
    logged = pq.read_table(tmp_path / "00001.parquet").to_pylist()
    for row in logged:
        stem = tmp_path / "00001" / row["key"]
        assert json.loads(stem.with_suffix(".json").read_text()) == row
        assert stem.with_suffix(".txt").read_text() == row["caption"]


@pytest.mark.parametrize(
    ("image_format", "suffix"), [("", "png"), ("jpg", "jpg"), ("webp", "webp")]
)
def test_webdataset_reads_the_tars(root, tmp_path, image_format, suffix):
    export(root, "webdataset", tmp_path, image_format)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and of the package itself
        wds = import_module("webdataset")
        url = str(tmp_path / "0000{0..1}.tar")
        samples = list(wds.WebDataset(url, shardshuffle=False).decode("pil"))
    assert [s["__key__"] for s in samples] == ["000000", "000001", "000002", "000003",
                                               "000010", "000011"]  # fmt: skip
    assert all(s["json"]["key"] == s["__key__"] for s in samples)
    assert Counter(s["txt"] for s in samples) == Counter(c for c, _ in PAIRS)
    if suffix == "png":
        found = Counter((s["txt"], np.asarray(s[suffix]).tobytes()) for s in samples)
        assert found == PAIRS
    assert all(s[suffix].size == (16, 16) for s in samples)


@pytest.mark.parametrize(("image_format", "column"), [("", "png"), ("jpg", "jpg")])
def test_pandas_and_datasets_read_the_parquet(root, tmp_path, monkeypatch, image_format, column):
    import datasets
    import pandas as pd

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    export(root, "parquet", tmp_path, image_format)
    frame = pd.concat([pd.read_parquet(path) for path in sorted(tmp_path.glob("*.parquet"))])
    assert list(frame.columns)[-2:] == ["sha256", column]
    assert frame["width"].tolist() == [16] * 6
    urls = [str(path) for path in sorted(tmp_path.glob("*.parquet"))]
    rows = datasets.Dataset.from_parquet(urls, cache_dir=str(tmp_path / "cache"))
    if not image_format:
        assert Counter((r["caption"], pixels(r[column])) for r in rows) == PAIRS
    assert len(rows) == 6


@pytest.mark.parametrize("layout", ["files", "webdataset", "parquet"])
def test_our_own_crawl_reads_an_export_back(root, tmp_path, layout, monkeypatch):
    monkeypatch.chdir(tmp_path)
    export(root, layout, "out")
    settings = {"num_shards": 2, "crawl": {"sources": [{"path": "out", "name": "back"}]}}
    result = dalle.run(settings, "again", ["crawl"])
    folder = RunFolder("again", 2).stage("crawl")
    rows = [row for url in folder.parts() for row in parquet.read_table(url).to_pylist()]
    assert Counter((row["caption"], pixels(row["encoded"])) for row in rows) == PAIRS
    assert result.manifests[0].rejected == {}


def test_our_own_crawl_reads_links_back_with_the_keys_that_they_had(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    export(root, "img2dataset", "out")
    dalle.run({"num_shards": 2, "crawl": {"sources": [{"path": "out"}]}}, "again", ["crawl"])
    folder = RunFolder("again", 2).stage("crawl")
    rows = [row for url in folder.parts() for row in parquet.read_table(url).to_pylist()]
    assert {row["key"] for row in rows} == {row["key"] for row in KEPT}
    assert {row["license"] for row in rows} == {"CC0"}


DOWNLOAD = """
import sys
from img2dataset import download

if __name__ == "__main__":
    download(
        url_list=sys.argv[1], input_format="parquet", url_col="url", caption_col="caption",
        output_folder=sys.argv[2], output_format="webdataset", compute_hash="sha256",
        verify_hash=["sha256", "sha256"], save_additional_columns=["pair_key", "license"],
        image_size=16, resize_mode="no", thread_count=2, number_sample_per_shard=4, timeout=5,
    )
"""


@pytest.mark.slow
def test_img2dataset_downloads_the_links_and_verifies_their_hashes(tmp_path):
    with loopback_web() as web:
        site = f"http://127.0.0.1:{web.port}"
        rows = []
        for number in range(5):
            served = png(number)
            rows.append(image_row(number, site, sha256=sha256(served).hexdigest()))
            changed = png(99) if number == 3 else served
            web.page(f"127.0.0.1/{number}.png", changed)
        export(write_run(tmp_path / "run", rows), "img2dataset", tmp_path / "links")
        script = tmp_path / "download.py"
        script.write_text(DOWNLOAD)
        environment = os.environ | {"NO_ALBUMENTATIONS_UPDATE": "1", "no_proxy": "*"}
        command = [sys.executable, str(script), str(tmp_path / "links"), str(tmp_path / "images")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    tables = [pq.read_table(path) for path in sorted((tmp_path / "images").glob("*.parquet"))]
    found = [row for table in tables for row in table.to_pylist()]
    assert {row["url"]: row["error_message"] for row in found} == {
        row["url"]: "hash mismatch" if row["url"].endswith("/3.png") else None for row in rows
    }
    assert {row["pair_key"]: row["caption"] for row in found} == {
        row["key"]: row["caption"] for row in rows
    }
    assert tables[0].schema.names == [
        "pair_key", "license", "caption", "sha256", "url", "key", "status", "error_message",
        "width", "height", "original_width", "original_height", "exif",
    ]  # fmt: skip


def test_links_leave_out_images_without_an_address_and_say_how_many(tmp_path, capsys):
    local = image_row(8, url="urn:sha256:00")
    root = write_run(tmp_path / "run", [*ROWS, local])
    arguments = ["export", "img2dataset", "--dir", str(root), "--out", str(tmp_path / "out")]
    assert run_line(arguments) == 0
    assert capsys.readouterr().out == (
        f"export   {tmp_path}/out (7 samples, 1 shards)\n"
        "left out 1 rows whose image has no address on the web\n"
    )
    assert export(root, "files", tmp_path / "files").num_samples == 8


def test_an_interrupted_export_goes_on(root, tmp_path, monkeypatch):
    """It stops within the second shard; the first is not written again."""
    export(root, "webdataset", tmp_path / "whole")
    made = []

    def samples_of(batch, *rest):
        made.append(batch.shard)
        if made == [0, 1]:
            raise KeyboardInterrupt
        return real_samples_of(batch, *rest)

    monkeypatch.setattr(MODULE + ".samples_of", samples_of)
    with pytest.raises(KeyboardInterrupt):
        export(root, "webdataset", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".dalle-export", "00000.parquet", "00000.tar", "00000_stats.json",
    ]  # fmt: skip
    export(root, "webdataset", tmp_path / "out")
    assert made == [0, 1, 1]
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("layout", ["files", "parquet", "webdataset"])
def test_batches_are_let_go_when_they_are_written(root, tmp_path, monkeypatch, layout):
    """Six batches of one row, of which never more than the current and the next one are held."""
    held: list[weakref.ref[Any]] = []
    alive = []

    def samples_of(batch, *rest):
        held.append(weakref.ref(batch.rows))
        alive.append(sum(reference() is not None for reference in held))
        return real_samples_of(batch, *rest)

    monkeypatch.setattr(MODULE + ".samples_of", samples_of)
    monkeypatch.setattr(MODULE + ".ROW_GROUP_ROWS", 1)
    export(root, layout, tmp_path, per_shard=100)
    assert len(alive) == 6
    assert max(alive) <= 2


@pytest.fixture(scope="module")
def root_in_row_groups(tmp_path_factory) -> Path:
    """The run of `root`, each row in a row group of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROW_GROUP_ROWS", 1)
        return write_run(tmp_path_factory.mktemp("groups") / "run", ROWS, DROPPED)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_row_groups_of_a_run_change_no_byte(root, root_in_row_groups, tmp_path, layout):
    found = []
    for name, run in (("one", root), ("many", root_in_row_groups)):
        export(run, layout, tmp_path / name)
        found.append(contents(tmp_path / name))
        found[-1].pop(".dalle-export")  # it names the run's manifests
    assert found[0] == found[1]


@pytest.mark.parametrize("layout", ["files", "parquet", "webdataset"])
def test_few_row_groups_are_held_at_a_time(tmp_path, monkeypatch, layout):
    """Each of an image of 1 MB, some 15 to a shard; a Parquet writer holds 5 MB of its own."""
    image = to_png(noise(0, 600, 600))
    rows = [image_row(n, image=image) for n in range(30)]
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 1)
    run = write_run(tmp_path / "run", rows)
    held = []

    def followed(*arguments):
        for group in selected_row_groups(*arguments):
            held.append(pa.total_allocated_bytes() - before)
            yield group

    monkeypatch.setattr(MODULE + ".selected_row_groups", followed)
    monkeypatch.setattr(MODULE + ".ROW_GROUP_ROWS", 1)
    before = pa.total_allocated_bytes()
    export(run, layout, tmp_path / "out", per_shard=100)
    assert len(held) == 30
    assert len(image) < max(held) < 10 * len(image)


def test_a_folder_that_holds_something_else_is_left_alone(root, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"is not empty, and no export: it holds mine\.txt"):
        export(root, "files", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(UsageError, match="a file is where a folder is needed"):
        export(root, "files", tmp_path / "mine.txt")


@pytest.mark.parametrize(
    ("layout", "image_format", "per_shard"),
    [("parquet", "", 4), ("files", "jpg", 4), ("files", "", 3)],
)
def test_a_folder_of_another_export_is_left_alone(root, tmp_path, layout, image_format, per_shard):
    export(root, "files", tmp_path)
    before = contents(tmp_path)
    with pytest.raises(UsageError, match="another run or in another form"):
        export(root, layout, tmp_path, image_format, per_shard)
    assert contents(tmp_path) == before


def test_a_folder_of_another_run_is_left_alone(root, tmp_path):
    export(root, "files", tmp_path / "out")
    other = write_run(tmp_path / "run", ROWS)
    with pytest.raises(UsageError, match="another run or in another form"):
        export(other, "files", tmp_path / "out")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_shard_of_the_run_may_be_empty(tmp_path, layout):
    root = write_run(tmp_path / "run", ROWS[:1])
    result = export(root, layout, tmp_path / "out")
    assert (result.num_samples, result.num_shards) == (1, 1)


def test_only_finished_stages_are_exported(tmp_path):
    root = write_run(tmp_path / "run", ROWS)
    files.remove(RunFolder(str(root)).stage("dedupe").manifest)
    with pytest.raises(ExportError, match="dedupe is not finished; run `dalle run dedupe`"):
        export(root, "files", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_of_which_no_image_survived_is_an_error(tmp_path):
    root = write_run(tmp_path / "run", ROWS, ROWS)
    with pytest.raises(ExportError, match="`dalle report` shows why"):
        export(root, "files", tmp_path / "out")


@pytest.mark.parametrize(
    ("layout", "image_format", "per_shard", "said"),
    [
        ("webdatset", "", 1, "did you mean `webdataset`"),
        ("tfrecord!", "", 1, "there are files, img2dataset, parquet, webdataset"),
        ("files", "gif", 1, "no format 'gif' to export"),
        ("img2dataset", "jpg", 1, "--format is for images"),
        ("files", "", 0, "a shard needs a sample or more"),
    ],
)
def test_a_wrong_form_is_said_before_anything_is_written(
    root, tmp_path, layout, image_format, per_shard, said
):
    with pytest.raises(UsageError, match=said):
        export(root, layout, tmp_path / "out", image_format, per_shard)
    assert not (tmp_path / "out").exists()


def test_an_object_store_is_written_to(root):
    out = "memory://exports/one"
    result = export(root, "webdataset", out)
    assert result.num_shards == 2
    assert files.list_names(out)[-2:] == ["00001.tar", "00001_stats.json"]
    assert export(root, "webdataset", out) == result
    files.remove(out)


def test_the_columns_of_selections_come_along_unless_img2dataset_means_others(
    root, tmp_path, monkeypatch
):
    def with_column(name: str) -> Any:
        def tables(*arguments):
            for table in selected_row_groups(*arguments):
                yield table.append_column(name, [[0.5] * table.num_rows])

        return tables

    monkeypatch.setattr(MODULE + ".selected_row_groups", with_column("score"))
    for layout in LAYOUTS:
        export(root, layout, tmp_path / layout)
        table = pq.read_table(tmp_path / layout / "00000.parquet")
        assert table["score"].to_pylist() == [0.5] * 4
    monkeypatch.setattr(MODULE + ".selected_row_groups", with_column("status"))
    with pytest.raises(DalleError, match="has added the column 'status'"):
        export(root, "files", tmp_path / "status")


def test_values_that_sources_carry_come_along_in_their_types(tmp_path):
    rows = [image_row(n, carried=json.dumps({"cls": str(n)}) if n else "") for n in range(3)]
    run = write_run(tmp_path / "run", rows, carry={"cls": "integer"})
    for layout in ("parquet", "img2dataset"):
        export(run, layout, tmp_path / layout)
        tables = [pq.read_table(path) for path in (tmp_path / layout).glob("*.parquet")]
        assert {str(table.schema.field("cls").type) for table in tables} == {"int64"}
        values = [value for table in tables for value in table["cls"].to_pylist()]
        assert sorted(values, key=str) == [1, 2, None]
        assert all("carried" not in table.schema.names for table in tables)


def test_each_shard_of_the_run_is_a_step(root, tmp_path):
    from orchestration.engine.progress import Quiet

    class Counting(Quiet):
        steps: list[tuple[int, int]] = []  # noqa: RUF012

        def step(self, step: int, total: int, metrics: Any = None, /) -> None:
            self.steps.append((step, total))

    export_run(str(root), str(tmp_path / "out"), Form("files", "", 4), Counting())
    assert Counting.steps == [(1, 2), (2, 2)]


def test_keys_of_rows_are_those_of_their_pairs():
    assert all(row["key"] == pair_key(row["url"], row["caption"]) for row in ROWS)
