"""A stage in a folder of its own, touching nothing else: it runs, resumes, explains and reports."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageFilter

from dalle_model.pixels import to_png
from tests.support.commands import dalle, environment
from tests.support.image_rows import noise
from tests.support.plugins import SHARPNESS, SHARPNESS_STAGE, write_plugin

pytestmark = pytest.mark.slow
NUM_SHARP, NUM_BLURRED = 5, 3
CONFIG = """\
name: plugged
num_shards: 2
crawl: {sources: [{path: images}]}
images: {side: 64, resize: lanczos}
sharpness: {min_sharpness: 20}
"""


def blurred(seed: int) -> np.ndarray:
    image = Image.fromarray(noise(seed, 64, 96)).filter(ImageFilter.GaussianBlur(6))
    return np.asarray(image)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("plugged")
    (root / "images").mkdir()
    images = [noise(seed, 64, 96) for seed in range(NUM_SHARP)]
    images += [blurred(100 + seed) for seed in range(NUM_BLURRED)]
    for number, image in enumerate(images):
        (root / "images" / f"{number}.png").write_bytes(to_png(image))
        (root / "images" / f"{number}.txt").write_text(f"a photograph of number {number} at rest")
    (root / "dalle.yaml").write_text(CONFIG)
    return write_plugin(root, "sharpness", SHARPNESS_STAGE, SHARPNESS)


@pytest.fixture(scope="module")
def with_plugin(folder) -> dict[str, str]:
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return environment(PYTHONPATH=path.rstrip(os.pathsep))


@pytest.fixture(scope="module")
def first(folder, with_plugin) -> str:
    before = run(folder, with_plugin, "crawl", "captions", "fetch", "images", "dedupe")
    return before + run(folder, with_plugin, "--workers", "2")


def run(folder: Path, env: dict[str, str], *options: str) -> str:
    return dalle("run", *options, cwd=folder, env=env).stderr


def parts(folder: Path, stage: str) -> list[Path]:
    return sorted((folder / "runs" / "plugged" / stage).glob("part-*"))


def test_it_runs_between_the_stages_that_it_names_by_role(first, folder):
    assert [line.split()[0] for line in first.splitlines() if "not finished yet" in line] == [
        *("crawl", "captions", "fetch", "images", "dedupe", "sharpness", "encode")
    ]
    kept = sum(pq.read_metadata(path).num_rows for path in parts(folder, "sharpness"))
    assert kept == NUM_SHARP


def test_its_column_travels_into_the_token_shards(first, folder):
    tables = [pq.read_table(path) for path in parts(folder, "encode")]
    values = [value for table in tables for value in table["sharpness"].to_pylist()]
    assert len(values) == NUM_SHARP
    assert min(values) >= 20
    described = json.loads((tables[0].schema.metadata or {})[b"huggingface"])
    assert described["info"]["features"]["sharpness"]["dtype"] == "float32"


def test_it_is_skipped_resumed_and_done_again_like_any_other(first, folder, with_plugin):
    assert run(folder, with_plugin).count("nothing to do") == 7
    before = [path.read_bytes() for path in parts(folder, "sharpness")]
    parts(folder, "sharpness")[0].unlink()
    again = run(folder, with_plugin)
    assert "part-00000-of-00002.parquet is missing" in again
    assert "encode     nothing to do" in again
    assert [path.read_bytes() for path in parts(folder, "sharpness")] == before


def test_it_explains_its_rows(first, folder, with_plugin):
    rejected = folder / "runs" / "plugged" / "sharpness" / "rejected"
    (row, *_) = [row for path in rejected.iterdir() for row in pq.read_table(path).to_pylist()]
    told = dalle("explain", row["key"], "--dir", "runs/plugged", cwd=folder, env=with_plugin).stdout
    assert "sharpness  DROPPED" in told
    assert "FAIL blurred" in told
    kept = pq.read_table(parts(folder, "sharpness")[0])["key"][0].as_py()
    told = dalle("explain", kept, "--dir", "runs/plugged", cwd=folder, env=with_plugin).stdout
    assert re.search(r"^sharpness  kept  \(sharpness [0-9.]+\)$", told, re.MULTILINE)
    assert "ok   blurred" in told


def test_the_report_shows_its_books(first, folder):
    html = (folder / "runs" / "plugged" / "report" / "index.html").read_text()
    assert "<td>sharpness</td><td>8</td><td>5</td>" in html
    assert "<code>blurred</code> 3" in html
    assert "<h2>sharpness: sharpness</h2>" in html
    assert f"{NUM_BLURRED} are beyond the limit 20." in html


def test_an_unknown_setting_of_it_is_named_by_line(folder, with_plugin):
    config = folder / "wrong.yaml"
    config.write_text(CONFIG.replace("min_sharpness: 20", "min_sharpnes: 20"))
    found = dalle("run", "--config", config, cwd=folder, env=with_plugin, check=False)
    assert found.returncode == 2
    assert "wrong.yaml:5: sharpness.min_sharpnes: unknown setting" in found.stderr
    assert "did you mean `min_sharpness`?" in found.stderr


def test_without_the_package_its_section_is_unknown(folder, tmp_path):
    found = dalle("run", "--config", folder / "dalle.yaml", check=False, cwd=tmp_path)
    assert found.returncode == 2
    assert "dalle.yaml:5: sharpness: unknown setting" in found.stderr


def test_a_changed_setting_of_it_is_named(first, folder, with_plugin):
    """Last: the run is another one afterwards."""
    config = folder / "dalle.yaml"
    config.write_text(CONFIG.replace("min_sharpness: 20", "min_sharpness: 21"))
    assert "sharpness  changed: min_sharpness (20.0 -> 21.0)" in run(folder, with_plugin)
