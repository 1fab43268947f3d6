"""Vectors are kept by the content of images, whatever interrupts their making."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from dalle_model.pixels import to_png
from orchestration.evaluation import vectors
from orchestration.evaluation.pictures import Look
from orchestration.evaluation.sets import Picture
from orchestration.evaluation.vectors import Extractor, fill, store_of
from pipelines.image_sets.layouts import SetImage
from tests.support.image_folders import CountedFeatures, picture

LOOK = Look(8)
IMAGES = [SetImage(str(n), [], partial(to_png, picture(n))) for n in range(9)]
PICTURES = {f"{int(image.name):03d}": Picture(image) for image in IMAGES}


def filled(folder: Path, of, pictures=PICTURES, look: Look = LOOK) -> dict[str, str]:
    extractor = Extractor("test", {"test": 1}, of)
    return fill(store_of(str(folder), extractor, look), pictures, extractor, look, lambda *_: None)


def test_what_is_kept_is_not_made_again(tmp_path: Path) -> None:
    function = CountedFeatures()
    assert filled(tmp_path, function.features) == {}
    assert filled(tmp_path, function.features) == {}
    assert function.seen == len(PICTURES)
    stored = store_of(str(tmp_path), Extractor("test", {"test": 1}, function.features), LOOK)
    again = CountedFeatures().features([picture(4, 8)])[0]
    assert np.allclose(stored["004"], again, atol=0.02)  # scaled from 24 to 8 pixels


def test_another_look_or_function_has_vectors_of_its_own(tmp_path: Path) -> None:
    function = CountedFeatures()
    filled(tmp_path, function.features)
    filled(tmp_path, function.features, look=Look(8, 1.0))
    assert function.seen == 2 * len(PICTURES)


def test_an_interrupted_call_leaves_what_it_has_made(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(vectors, "BATCH", 4)
    function = CountedFeatures()

    def interrupted(images):
        if function.seen == 4:
            raise KeyboardInterrupt
        return function.features(images)

    with pytest.raises(KeyboardInterrupt):
        filled(tmp_path, interrupted)
    again = CountedFeatures()
    filled(tmp_path, again.features)
    assert (function.seen, again.seen) == (4, len(PICTURES) - 4)


def test_a_broken_image_is_told_and_the_others_are_made(tmp_path: Path) -> None:
    broken = {"bad": Picture(SetImage("bad", [], lambda: b"no image"))}
    function = CountedFeatures()
    assert "UnidentifiedImageError" in filled(tmp_path, function.features, PICTURES | broken)["bad"]
    assert function.seen == len(PICTURES)
