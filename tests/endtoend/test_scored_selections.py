"""`similarity` and `label_overlap` in a run: the same bytes however it was done, and the books."""

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dalle_model.pixels import to_png
from tests.support.commands import dalle, environment
from tests.support.image_rows import noise
from tests.support.scorers import scored, write_scorer

pytestmark = pytest.mark.slow
NUM_IMAGES = 24
STAGES = ("label_overlap", "similarity")
CONFIG = """\
name: scored
num_shards: 3
crawl: {{sources: [{{path: images}}]}}
captions: {{recipe: none}}
images: {{side: 64, resize: lanczos}}
label_overlap: {{table: labels.csv}}
similarity: {{scorer: "told:{path}", keep: {keep}, min: {{en: 0.1, other: 0.2}}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("scored")
    (root / "images").mkdir()
    for number in range(NUM_IMAGES):
        thing = "dogs" if number % 3 else "cats"
        (root / "images" / f"{number}.png").write_bytes(to_png(noise(number, 64, 80)))
        text = f"{thing} that rest beside number {number // 2 / 20}"
        (root / "images" / f"{number}.txt").write_text(text)
    write_scorer(root / "packages")
    write_config(root, keep=0.5)
    run(root, "crawl", "captions", "fetch", "images", "dedupe", "--dir", "keys")
    keys = [key for path in parts(root / "keys", "images") for key in pq.read_table(path)["key"]]
    (root / "labels.csv").write_text("\n".join(["key,labels", *(f"{k},dog; grass" for k in keys)]))
    return root


def write_config(root: Path, keep: float) -> None:
    (root / "dalle.yaml").write_text(CONFIG.format(path=root / "scored", keep=keep))


@pytest.fixture(scope="module")
def one(folder) -> Path:
    return finished(folder, "one")


def finished(folder: Path, name: str, *options: str) -> Path:
    """A run of its own, gone on with from the images of the first one."""
    shutil.copytree(folder / "keys", folder / name, dirs_exist_ok=True)
    run(folder, *options, "--dir", name)
    return folder / name


def run(root: Path, *options: str, check: bool = True):
    path = os.pathsep.join([str(root / "packages"), os.environ.get("PYTHONPATH", "")])
    env = environment(PYTHONPATH=path.rstrip(os.pathsep))
    return dalle("run", *options, cwd=root, env=env, check=check)


def parts(root: Path, stage: str) -> list[Path]:
    return sorted((root / stage).glob("part-*"))


def sums(root: Path) -> dict[str, str]:
    """SHA-256 of every shard, kept and dropped, by path."""
    paths = [path for stage in STAGES for path in sorted((root / stage).rglob("*.parquet"))]
    return {str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest() for path in paths}


def test_the_books_balance_and_scores_are_in_the_token_shards(one):
    books = [json.loads((one / stage / "manifest.json").read_text()) for stage in STAGES]
    assert books[0]["rejected"] == {"no_label_overlap": NUM_IMAGES // 3}
    left = books[0]["rows_out"]
    assert (books[1]["rows_in"], books[1]["rows_out"]) == (left, left // 2)
    rows = [row for path in parts(one, "encode") for row in pq.read_table(path).to_pylist()]
    assert len(rows) == left // 2
    for row in rows:
        assert row["clip_score"] == pytest.approx(float(row["caption"].split()[-1]))
        assert (row["labels"], row["label_overlap"]) == ("dog; grass", 1)


def test_two_workers_write_the_same_bytes(one, folder):
    assert sums(finished(folder, "two", *STAGES, "--workers", "2")) == sums(one)


def test_a_run_that_was_killed_scores_the_other_shards_alone(one, folder):
    before = scored(folder / "scored")
    (folder / "scored.kill").write_text(f"{len(before) + 1}")  # in the second shard
    shutil.copytree(folder / "keys", folder / "killed")
    assert run(folder, *STAGES, "--dir", "killed", check=False).returncode != 0
    assert scored(folder / "scored")[len(before) :]
    assert sums(finished(folder, "killed", *STAGES)) == sums(one)
    again = scored(folder / "scored")[len(before) :]
    assert len(again) == 2 * NUM_IMAGES // 3  # each once


def test_another_share_scores_nothing_and_is_explained(one, folder):
    before = scored(folder / "scored")
    write_config(folder, keep=0.25)
    told = run(folder, "--dir", "one").stderr
    assert "similarity changed: keep (0.5 -> 0.25)" in told
    assert scored(folder / "scored") == before
    rejected = (one / "similarity" / "rejected").iterdir()
    row = next(r for path in rejected for r in pq.read_table(path).to_pylist())
    path = os.pathsep.join([str(folder / "packages"), os.environ.get("PYTHONPATH", "")])
    env = environment(PYTHONPATH=path.rstrip(os.pathsep))
    found = dalle("explain", row["key"], "--dir", "one", cwd=folder, env=env).stdout
    assert f"FAIL {row['reason']}" in found
