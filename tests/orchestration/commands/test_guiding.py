from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from dalle_model.clip import registry
from dalle_model.errors import UsageError
from dalle_model.guide.film import FilmError
from dalle_model.guide.prompts import PromptError
from dalle_model.guide.settings import GuideSettings
from dalle_model.train.stopping import CutShortError, ask_to_stop
from orchestration.api import guide
from orchestration.engine.progress import Quiet
from orchestration.pictures import PictureError
from tests.support.codecs import write_vq
from tests.support.guided import tiny_scorer

SETTINGS = GuideSettings(steps=4, cutouts=2, every=2, rate=0.5, augments=False)


@pytest.fixture
def codec(tmp_path, monkeypatch):
    """A codec beside a scorer, whose name is `tiny`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "load_scorer", lambda name: tiny_scorer())
    write_vq("codec.safetensors")
    return "codec.safetensors"


class StopAfter(Quiet):
    """Asks to stop at a step, as a signal does."""

    def step(self, step, total, metrics=None):
        if step == 3:
            assert ask_to_stop()


def test_a_picture_and_its_film_are_written_and_similarities_told(codec):
    line = "a red heart:2 | a square:-0.5"
    result = guide(line, codec, "tiny", film="way.gif", settings=SETTINGS)
    with Image.open("way.gif") as film, Image.open("guided.png") as picture:
        assert len(list(ImageSequence.Iterator(film))) == result.num_frames == 3
        assert picture.size == film.size == (16, 16)
        shown = np.asarray(picture)
    found = {one.prompt: one for one in result.similarities}
    scorer = tiny_scorer()
    for prompt, weight in (("a red heart", 2), ("a square", -0.5), ("", None)):
        assert found[prompt].weight == weight
        score = scorer.score([shown], [prompt])[0]
        assert found[prompt].last == pytest.approx(score, abs=1e-6)
    assert [line.split()[-1] for line in str(result).splitlines()[-2:]] == ["guided.png", "frames)"]
    again = guide(line, codec, "tiny", "again.png", settings=SETTINGS)
    assert Path("again.png").read_bytes() == Path("guided.png").read_bytes()
    assert (again.film, again.num_frames) == ("", 3)


def test_images_are_starts_and_prompts(codec):
    Image.new("RGB", (50, 30), (200, 30, 30)).save("red.png")
    result = guide("red.png", codec, "tiny", start="red.png", side=24, settings=SETTINGS)
    assert [one.prompt for one in result.similarities] == ["red.png", ""]
    with Image.open("guided.png") as picture:
        assert picture.size == (24, 24)


def test_one_that_is_stopped_leaves_the_picture_so_far_and_its_film(codec):
    said = r"stopped after step 3 of 4; the picture so far is in guided.png, the film in way.webp"
    with pytest.raises(CutShortError, match=said):
        guide("a", codec, "tiny", film="way.webp", settings=SETTINGS, progress=StopAfter())
    with Image.open("way.webp") as film, Image.open("guided.png") as picture:
        assert (
            len(list(ImageSequence.Iterator(film))) == 3
        )  # before, after two and after three steps
        assert picture.size == (16, 16)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"prompts": "a:b:c:d"}, PromptError),
        ({"prompts": "gone.png"}, PictureError),
        ({"start": "gone.png"}, PictureError),
        ({"film": "way.avi"}, FilmError),
        ({"out": "."}, UsageError),
    ],
)
def test_what_is_wrong_is_told_before_a_codec_is_loaded(codec, arguments, error):
    with pytest.raises(error):
        guide(**({"prompts": "a", "codec": "gone.safetensors"} | arguments))
