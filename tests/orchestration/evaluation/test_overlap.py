"""Which images of an evaluation set a run would train on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dalle_model.pixels import Rgb, to_png
from orchestration.engine.progress import Quiet
from orchestration.evaluation.overlap import Asked, Overlap, report_overlap, surest
from orchestration.evaluation.training_images import OverlapError
from pipelines.sameness.hashes import describe
from tests.pipelines.sameness.test_alignment import picture
from tests.support.finished_run import image_row, write_run


def match(reference: str, key: str, by: str, value: float) -> dict[str, Any]:
    return {"reference": reference, "key": key, "caption": "c", "by": by, "value": value}


def test_of_each_image_the_surest_counterpart_is_told() -> None:
    found = surest(
        [
            match("a", "1", "embedding", 0.96),
            match("a", "2", "look", 9.0),
            match("a", "3", "look", 4.0),
            match("b", "1", "embedding", 0.97),
            match("c", "5", "embedding", 0.99),
            match("d", "6", "caption", 3.0),
            match("e", "7", "pixels", 0.0),
        ]
    )
    told = [(one.reference, one.key) for one in found]
    assert told == [("e", "7"), ("a", "3"), ("c", "5"), ("b", "1")]


def stored(number: int, rgb: Rgb) -> dict[str, Any]:
    return image_row(number, image=to_png(rgb), **describe(rgb))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Ten images, of which the last was dropped."""
    rows = [stored(number, picture(number, 96)) for number in range(10)]
    return write_run(tmp_path / "run", rows, dropped=rows[9:])


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    """Images 1, 2 and 9 of the run in another size, two that are not in it, and a broken one."""
    folder = tmp_path / "birds"
    folder.mkdir()
    for number in (1, 2, 9, 31, 32):
        larger = Image.fromarray(picture(number, 96)).resize((150, 150))
        (folder / f"{number:02d}.png").write_bytes(to_png(np.asarray(larger)))
        (folder / f"{number:02d}.txt").write_text("a bird")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def report(run: Path, birds: Path | str, out: Path, **limits: float) -> Overlap:
    return report_overlap(str(run), Asked(str(birds), "", "", limits), str(out), Quiet())


def test_what_the_run_keeps_is_compared_and_listed(run: Path, birds: Path, tmp_path: Path) -> None:
    found = report(run, birds, tmp_path / "out")
    assert [one.reference for one in found.counterparts] == ["01.png", "02.png"]
    assert (found.images, found.share) == (5, 0.4)
    assert (tmp_path / "out/overlap.txt").read_text() == "01.png\n02.png\n"
    document = json.loads((tmp_path / "out/overlap.json").read_text())
    assert [one["by"] for one in document["counterparts"]] == ["look", "look"]
    page = (tmp_path / "out/overlap.html").read_text()
    assert page.count("<img") == 4
    assert "2 of 5 images of the set (40.0 %)" in page
    assert "2 of 5 images (40.0%) have a counterpart" in str(found)


def test_a_run_without_images_or_a_set_says_what_to_do(run: Path, tmp_path: Path) -> None:
    with pytest.raises(OverlapError, match="name a set with --reference"):
        report(run, "", tmp_path / "out")
    (run / "dedupe/manifest.json").unlink()
    with pytest.raises(OverlapError, match="dedupe is not finished; `dalle run` goes on"):
        report(run, "", tmp_path / "out")
