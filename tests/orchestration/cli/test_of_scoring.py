"""What `dalle score` says of images and captions, and what it refuses."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dalle_model.pixels import from_stored
from orchestration.cli.main import run_line
from tests.support.drawing import saved_prior
from tools.small_world.shapes import render

CAPTIONS = ["a red circle left of a blue square", "a blue square left of a red circle", "a cat"]


@pytest.fixture
def image(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    pixels = render([("red", "circle", (8, 24)), ("blue", "square", (40, 24))])
    Image.fromarray(pixels).save("shapes.png")
    return "shapes.png"


def answer(capsys, *words: str) -> tuple[int, str, str]:
    return run_line(list(words)), *capsys.readouterr()


def test_the_shipped_prior_recognises_what_it_knows(capsys, image):
    Path("more.txt").write_text(f"{CAPTIONS[2]}\n{CAPTIONS[0]}\n")
    line = ["score", image, CAPTIONS[1], CAPTIONS[0], "--captions", "more.txt", "--prior", "world"]
    code, out, _ = answer(capsys, *line, "--map", "map.png")
    assert code == 0
    first, second, heads, *rows = out.splitlines()
    assert (first, second) == ("image    64x64 px; taken as 64x64 px", "map      map.png")
    assert " ".join(heads.split()) == "rank nats bits a token share with p(caption) caption"
    assert [row.split(maxsplit=5)[5] for row in rows] == CAPTIONS  # each once, the best first
    assert rows[0].split()[3] == "1.0000"
    assert from_stored(Path("map.png").read_bytes()).shape[2] == 3


def test_json_has_the_grid_whose_sum_is_the_image(capsys, image):
    code, out, _ = answer(capsys, "score", image, *CAPTIONS, "", "--prior", "world", "--json")
    found = json.loads(out)
    assert (code, found["prior"], len(found["captions"])) == (0, "world", 4)
    for one in found["captions"]:
        of_image = one["image"]
        assert np.shape(of_image["grid"]) == (8, 8)
        assert np.sum(of_image["grid"]) == pytest.approx(of_image["nats"], abs=1e-4)
        bits = -of_image["nats"] / 64 / math.log(2)
        assert of_image["bits_per_token"] == pytest.approx(bits, rel=1e-4)
        assert of_image["perplexity"] == pytest.approx(2**bits, rel=1e-3)
    shares = [one["image"]["share"] for one in found["captions"]]
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    (empty,) = [one for one in found["captions"] if not one["caption"]]
    assert (empty["tokens"], empty["nats"], empty["bits_per_token"]) == (0, 0, None)


def test_texts_are_scored_without_an_image_in_their_order(capsys, image):
    line = ["score", "--text", "colorless green ideas", "--text", CAPTIONS[0], "--prior", "world"]
    code, out, _ = answer(capsys, *line)
    assert code == 0
    heads, odd, known = out.splitlines()
    assert " ".join(heads.split()) == "nats bits a token tokens caption"
    assert odd.endswith("colorless green ideas")
    assert float(known.split()[0]) > float(odd.split()[0])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name an image and captions"),
        (["shapes.png"], "name captions of shapes.png"),
        (["none.png", "a"], "there is no image at none.png"),
        (["words.png", "a"], "words.png is none of JPEG"),
        (["small.png", "a"], "small.png: image is 20x20 px, each edge needs 64 px"),
        (["shapes.png", "--captions", "none.txt"], "there is no file of captions at none.txt"),
        (["shapes.png", "a", "--text", "b"], "--text scores a caption alone"),
        (["--text", "b", "--map", "m.png"], "--text scores a caption alone"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_way_out(capsys, image, words, said):
    Path("words.png").write_text("no image")
    Image.new("RGB", (20, 20)).save("small.png")
    code, out, err = answer(capsys, "score", *words, "--prior", "world")
    assert (code, out) == (2, "")
    assert said in err
    assert not Path("m.png").exists()


def test_a_prior_of_another_codec_needs_its_run(capsys, image):
    prior = saved_prior("other.safetensors", "ab" * 32)
    code, _, err = answer(capsys, "score", image, "a", "--prior", prior)
    assert code == 1
    assert "does not ship; name the directory of its run with --dir" in err
