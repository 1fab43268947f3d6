import numpy as np
import pytest
import torch
from torch import nn

from dalle_model.evaluate.features import (
    Classifier,
    FeaturesError,
    load_features,
    require_same,
)
from dalle_model.evaluate.frechet import frechet_distance
from dalle_model.evaluate.moments import moments_of
from tests.support.clips import random_images
from tests.support.codecs import save_script
from tests.support.features import facts_of


@pytest.mark.parametrize("name", ["pixels", "clip:demo"])
def test_vectors_depend_on_their_image_alone(name):
    function, images = load_features(name), random_images(4)
    found = function.features(images)
    assert found.shape == (4, function.facts.dim)
    assert found.dtype == np.float32
    assert np.array_equal(function.features(images[::-1])[::-1], found)
    assert function.features([]).shape == (0, function.facts.dim)
    assert not isinstance(function, Classifier)


def test_pixels_tell_blurred_images_and_other_colours():
    function = load_features("pixels")
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, (99, 64, 64, 3), np.uint8)
    soft = sharp.reshape(99, 16, 4, 16, 4, 3).mean(axis=(2, 4)).repeat(4, 1).repeat(4, 2)
    same, blurred, dark = (
        moments_of([function.features(list(images.astype(np.uint8)))], function.facts)
        for images in (rng.integers(0, 256, sharp.shape), soft, sharp // 2)
    )
    own = moments_of([function.features(list(sharp))], function.facts)
    chance = frechet_distance(own, same)
    assert frechet_distance(own, blurred) > 10 * chance
    assert frechet_distance(own, dark) > 10 * chance
    assert not function.facts.is_comparable


def test_what_differs_is_named():
    require_same(facts_of(3), facts_of(3))
    with pytest.raises(FeaturesError, match=r"differ in sha256 '0+' and 'aa'; dim 3 and 4"):
        require_same(facts_of(3), facts_of(4, sha256="aa"))


@pytest.mark.parametrize("name", ["", "inception", "inception-fid", "inception-x@y", "dino"])
def test_unknown_names_are_told(name):
    with pytest.raises(FeaturesError, match="known are `pixels`"):
        load_features(name)


def test_a_scorer_without_vectors_has_no_features(monkeypatch):
    monkeypatch.setattr("dalle_model.evaluate.clip_features.load_scorer", lambda _: object())
    with pytest.raises(FeaturesError, match="'told' has no vectors of images"):
        load_features("clip:told")


class MeanColours(nn.Module):
    """A network that an exporter may have made: mean colours and, of them, their sum."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        means = pixels.mean(dim=(2, 3))
        return torch.cat([means, means.sum(dim=1, keepdim=True)], dim=1)


class Map(nn.Module):
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels


@pytest.fixture
def exported(tmp_path):
    path = tmp_path / "net.pt"
    save_script(MeanColours(), str(path))
    return path


FORM = """\
model: net.pt
size: [20, 10]
resize: {resize}
resample: box
mean: [0.5, 0, 0]
std: [0.5, 1, 1]
"""


def test_an_exported_network_gets_what_its_file_says(exported):
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 10:30] = 255  # the middle half, which alone a crop of 20x10 shows
    for resize, mean in (("squash", 0.5), ("crop", 1.0)):
        exported.with_name("net.yaml").write_text(FORM.format(resize=resize))
        function = load_features(f"script@{exported.with_name('net.yaml')}")
        assert (function.facts.dim, function.facts.input_size) == (4, (20, 10))
        expected = np.array([(mean - 0.5) / 0.5, mean, mean])
        found = function.features([image])[0]
        np.testing.assert_allclose(found, [*expected, expected.sum()], atol=0.02)


def test_a_dino_is_squashed_to_224_pixels_and_normalised(exported):
    function = load_features(f"dino@{exported}")
    assert function.facts.input_size == (224, 224)
    found = function.features([np.full((50, 30, 3), 255, np.uint8)])[0, :3]
    expected = (1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("size: [20]", "no height and width"),
        ("resize: stretch", "'stretch' by 'box'"),
        ("std: [0, 1, 1]", "std above 0"),
        ("beside: 1", "beside"),
        ("[", "describes no network"),
    ],
)
def test_descriptions_that_make_no_sense_are_told(exported, line, message):
    key = line.partition(":")[0]
    kept = [own for own in FORM.format(resize="crop").splitlines() if not own.startswith(key)]
    exported.with_name("net.yaml").write_text("\n".join([*kept, line]))
    with pytest.raises(FeaturesError, match=message):
        load_features(f"script@{exported.with_name('net.yaml')}")


def test_networks_that_are_none_are_told(tmp_path):
    save_script(Map(), str(tmp_path / "map.pt"))
    (tmp_path / "text.pt").write_text("text")
    for name, message in (
        ("map.pt", r"returns \(1, 3, 224, 224\) for one image"),
        ("text.pt", "is no TorchScript"),
        ("none.pt", "there is no network at"),
    ):
        with pytest.raises(FeaturesError, match=message):
            load_features(f"dino@{tmp_path / name}")
