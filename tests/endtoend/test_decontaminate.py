"""An evaluation set, from a folder to evidence in the token shards, by any number of workers."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from dalle_model.shards import list_shards, read_shards
from tests.pipelines.sameness.test_alignment import picture
from tests.support.commands import checksums, dalle

pytestmark = pytest.mark.slow
CAPTION = "a photograph of number {} beside a very wide river"
OF_SET = 4


def config(folder: Path, **decontaminate: Any) -> Path:
    values = {
        "name": "clean",
        "num_shards": 2,
        "crawl": {"sources": [{"path": "images"}]},
        "captions": {"recipe": "none"},
        "images": {"side": 64, "resize": "lanczos"},
        "references": {"sets": [{"path": "cub", "name": "birds"}]},
        "decontaminate": decontaminate,
    }
    path = folder / f"{'-'.join(map(str, decontaminate.values()))}.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten images, of which three are of a set, in another size; a fourth has a caption of it."""
    root = tmp_path_factory.mktemp("clean")
    for name in ("images", "cub/images/001.Auk", "cub/text/001.Auk"):
        (root / name).mkdir(parents=True)
    for number in range(OF_SET):
        Image.fromarray(picture(number, 200)).save(root / f"cub/images/001.Auk/{number}.png")
        (root / f"cub/text/001.Auk/{number}.txt").write_text(f"{CAPTION.format(number)}\nanother")
    (root / "cub/images/001.Auk/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for number in range(10):
        seed = number if number < 3 else 100 + number
        Image.fromarray(picture(seed, 160)).save(root / f"images/{number}.png")
        text = CAPTION.format(3) if number == 9 else f"a picture that is called {number}"
        (root / f"images/{number}.txt").write_text(text)
    return root


@pytest.fixture(scope="module")
def kept_all(folder: Path) -> Path:
    """A run that keeps what matches."""
    dalle("run", "--config", config(folder, drop="none"), "--dir", folder / "none")
    return folder / "none"


def manifest(run: Path, stage: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / stage / "manifest.json").read_text())
    return found


def test_matches_that_are_kept_are_told_in_the_token_shards(kept_all: Path) -> None:
    rows = read_shards(list_shards(f"{kept_all}/encode"), ["caption", "contamination"]).to_pylist()
    told = {row["caption"]: row["contamination"] for row in rows if row["contamination"]}
    assert len(rows) == 10
    assert len(told) == 4
    match = json.loads(told[CAPTION.format(3)])[0]
    assert (match["of"], match["by"]) == ("birds", "caption")
    assert match["reference"] == "images/001.Auk/3.png"
    assert manifest(kept_all, "decontaminate")["metrics"] == {"birds: caption": 1, "birds: look": 3}
    counted = manifest(kept_all, "references")["metrics"]
    assert (counted["birds: images"], counted["birds: unreadable"]) == (5, 1)
    assert counted["birds: first unreadable"].startswith("images/001.Auk/broken.png (")


def test_any_number_of_workers_and_a_moved_set_give_the_same_bytes(
    folder: Path, kept_all: Path
) -> None:
    shutil.copytree(folder / "cub", folder / "cub2")
    again = shutil.ignore_patterns("references", "decontaminate", "encode", "report")
    shutil.copytree(kept_all, folder / "two", ignore=again)
    path = config(folder, drop="none", ngram=8)
    path.write_text(path.read_text().replace("path: cub", "path: cub2"))
    dalle("run", "--config", path, "--dir", folder / "two", "--workers", 2)
    assert checksums(folder / "two") == checksums(kept_all)
    for stage in ("references", "decontaminate"):
        one, other = manifest(folder / "two", stage), manifest(kept_all, stage)
        assert (one["files"], one["rejected_files"]) == (other["files"], other["rejected_files"])
        assert one["fingerprint"] == other["fingerprint"]


def test_what_is_dropped_is_counted_explained_and_shown(folder: Path) -> None:
    run = folder / "both"
    dalle("run", "--config", config(folder, drop="both"), "--dir", run)
    found = manifest(run, "decontaminate")
    assert found["rejected"] == {"evaluation_caption": 1, "evaluation_image": 3}
    assert found["rows_out"] == 6
    told = dalle("explain", "0.png", "--dir", run).stdout
    assert "evaluation_image" in told
    assert '"of":"birds"' in told
    dalle("report", "--dir", run)
    page = (run / "report" / "index.html").read_text()
    assert "Images that look like one of an evaluation set" in page
    assert "birds: images/001.Auk/0.png; hashes differ in" in page
    assert dalle("verify", "--dir", run).returncode == 0


def test_a_missing_set_is_refused_before_anything_runs(folder: Path) -> None:
    path = config(folder, drop="image")
    path.write_text(path.read_text().replace("path: cub", "path: gone"))
    refused = dalle("run", "--config", path, "--dir", folder / "gone", check=False)
    assert refused.returncode == 2
    assert "the set birds:" in refused.stderr
    assert "nothing is there; correct the path" in refused.stderr
    assert not (folder / "gone").exists()


def test_a_config_without_a_set_says_what_to_add(folder: Path) -> None:
    path = config(folder, drop="caption")
    values = yaml.safe_load(path.read_text())
    del values["references"]
    path.write_text(yaml.safe_dump(values))
    refused = dalle("run", "--config", path, "--dir", folder / "empty", check=False)
    assert refused.returncode == 2
    assert "references: {sets: [{path: coco, name: coco_val}]}" in refused.stderr
