import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from orchestration.human_study.making import Asked, choose, clean_png, make_study
from orchestration.human_study.study import MODELS, StudyError
from pipelines.image_sets.layouts import SetImage
from tests.support.human_study import CAPTIONS, model_of, small_study, write_samples

ASKED = Asked(number=1000, votes=5, seed=0)


def test_a_study_pairs_images_by_caption(tmp_path):
    folder, study = small_study(tmp_path, number=4)
    assert study.models == ("reds", "blues")
    assert len(study.tasks) == 4
    assert {task.caption for task in study.tasks} < set(CAPTIONS)
    for task in study.tasks:
        images = [folder.image(task, model).read_bytes() for model in MODELS]
        assert [model_of(image) for image in images] == ["a", "b"]
        assert np.asarray(Image.open(folder.image(task, "a")))[0, 0, 0] == int(task.caption[-1])


def test_equal_seeds_make_equal_bytes_and_others_other_tasks(tmp_path):
    made = {}
    for name, seed in (("x", 1), ("y", 1), ("z", 2)):
        small_study(tmp_path / name, seed=seed, number=3)
        files = sorted(p for p in (tmp_path / name / "study").rglob("*") if p.is_file())
        made[name] = [(p.name, p.read_bytes()) for p in files]
    assert made["x"] == made["y"] != made["z"]


def test_captions_are_drawn_whatever_their_order():
    assert choose(CAPTIONS, ASKED) == choose(CAPTIONS[::-1], ASKED)
    assert [task.caption for task in choose(CAPTIONS, ASKED)] != CAPTIONS


def test_an_image_keeps_nothing_but_its_pixels(tmp_path):
    about = PngInfo()
    about.add_text("prompt", "by our secret model")
    clear = Image.new("RGBA", (4, 2), (9, 8, 7, 0))
    clear.save(tmp_path / "x.png", pnginfo=about)
    png = clean_png(str(tmp_path), SetImage("x.png", [], (tmp_path / "x.png").read_bytes))
    assert b"secret" not in png
    (tmp_path / "y.png").write_bytes(png)
    with Image.open(tmp_path / "y.png") as image:
        assert (image.mode, image.size, image.info) == ("RGB", (4, 2), {})
        assert (np.asarray(image) == 255).all()


def test_folders_of_one_name_are_told_apart_by_their_paths(tmp_path):
    first, second = write_samples(tmp_path / "x", "reds"), write_samples(tmp_path / "y", "reds")
    make_study(first, second, str(tmp_path / "study"), ASKED)
    assert f'"{first}"' in (tmp_path / "study/study.json").read_text()


def test_what_does_not_go_together_is_refused(tmp_path):
    reds, out = write_samples(tmp_path, "reds"), str(tmp_path / "study")
    with pytest.raises(StudyError, match="compared with itself"):
        make_study(reds, f"{reds}/.", out, ASKED)
    blues = write_samples(tmp_path, "blues", ["another caption"])
    with pytest.raises(StudyError, match="'a thing of kind 0' is in one, 'another caption' in the"):
        make_study(reds, blues, out, ASKED)
    assert not (tmp_path / "study").exists()


def test_a_broken_image_is_named_and_the_next_call_begins_again(tmp_path):
    reds, blues = (write_samples(tmp_path, model) for model in ("reds", "blues"))
    whole = (tmp_path / "blues/3.png").read_bytes()
    (tmp_path / "blues/3.png").write_bytes(whole[:60])
    with pytest.raises(StudyError, match=r"blues/3\.png: the image is broken"):
        make_study(reds, blues, str(tmp_path / "study"), ASKED)
    assert not (tmp_path / "study/study.json").exists()
    (tmp_path / "blues/3.png").write_bytes(whole)
    made = make_study(reds, blues, str(tmp_path / "study"), ASKED)
    assert str(made).endswith("study: 6 tasks of 6 captions in both")
    with pytest.raises(StudyError, match=r"is not empty: it holds study\.json; name a new folder"):
        make_study(reds, blues, str(tmp_path / "study"), ASKED)
