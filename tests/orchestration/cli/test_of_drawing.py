"""What the commands that draw say, and what they refuse."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dalle_model.pixels import from_stored
from orchestration.cli.main import run_line
from tests.support.drawing import saved_prior


@pytest.fixture
def prior(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(pixels).save("image.png")
    return saved_prior("prior.safetensors")


def answer(capsys, *words: str) -> tuple[int, str, str]:
    return run_line(list(words)), *capsys.readouterr()


def test_the_best_of_several_are_drawn_for_each_caption(capsys, prior):
    Path("more.txt").write_text("a dog\n")
    line = ["sample", "a cat", "--captions", "more.txt", "--prior", prior, "-n", "2"]
    code, out, _ = answer(capsys, *line, "--best-of", "5", "--out", "drawn/")
    assert (code, out) == (0, "images   drawn/sheet.png\nfacts    drawn/samples.json\n")
    facts = json.loads(Path("drawn/samples.json").read_text())
    assert (facts["drawn"], facts["scorer"]) == (5, "drawn")
    assert [row["caption"] for row in facts["rows"]] == ["a cat", "a dog"]
    for row in facts["rows"]:
        first, second = row["images"]
        assert first["score"] >= second["score"]
    assert answer(capsys, *line, "--scorer", "drawn", "-n", "5", "--out", "all/")[0] == 0
    every = json.loads(Path("all/samples.json").read_text())["rows"]
    for row, best in zip(every, facts["rows"], strict=True):
        assert row["images"][:2] == best["images"]
        for one in best["images"]:
            assert Path("all", one["file"]).read_bytes() == Path("drawn", one["file"]).read_bytes()


def test_an_image_is_completed(capsys, prior):
    line = ["complete", "image.png", "a cat", "--keep", "outside=0.5,0.5,1,1", "--prior", prior]
    code, out, _ = answer(capsys, *line, "-n", "2", "--pixels", "--out", "drawn/")
    assert code == 0
    assert out.splitlines() == [
        "image    64x64 px; taken as 64x64 px",
        "kept     outside=0.5,0.5,1,1: all tokens but those of rows 5 to 8 of 8, columns 5 to 8 "
        "of 8; each covers 8 x 8 px",
        "images   drawn/sheet.png",
        "facts    drawn/samples.json",
    ]
    given = from_stored(Path("image.png").read_bytes())
    drawn = from_stored(Path("drawn/000-000.png").read_bytes())
    assert (drawn[:32] == given[:32]).all()
    assert (drawn[32:, :32] == given[32:, :32]).all()
    assert not (drawn[32:, 32:] == given[32:, 32:]).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sample"], "name a caption, or a file that has one a line: --captions FILE"),
        (["sample", "a", "-n", "0"], "Invalid value for '-n'"),
        (["sample", "a", "--seed", "-1"], "Invalid value for '--seed'"),
        (["sample", "a", "--top-p", "0"], "Invalid value for '--top-p'"),
        (["sample", "a", "--top-p", "2"], "Invalid value for '--top-p'"),
        (["sample", "a", "--temperature", "nan"], "temperature"),
        (["sample", "a", "--best-of", "4"], "--best-of 4: name the number of images"),
        (["sample", "--captions", "none.txt"], "there is no file of captions at none.txt"),
        (["sample", "a", "-n", "1", "--scorer", "none"], "A scorer is 'demo'"),
        (["complete", "none.png", "a", "--keep", "top=0.5"], "there is no image at none.png"),
        (["complete", "image.png", "a"], "Missing option '--keep'"),
        (["complete", "image.png", "a", "--keep", "half"], "--keep half: say top=0.5, box="),
        (["complete", "image.png", "a", "--keep", "box=0,0,65,64"], "no part of the image's 64"),
        (["complete", "image.png", "a", "--keep", "top=1"], "leaves nothing to draw"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_way_out(capsys, prior, words, said):
    code, out, err = answer(capsys, *words, "--prior", prior)
    assert (code, out) == (2, "")
    assert said in err
