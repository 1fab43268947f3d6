import numpy as np
import pytest
import torch

from dalle_model.clip.architecture import Architecture
from dalle_model.clip.clip_scorer import ClipScorer
from dalle_model.clip.differentiable import image_tower
from tests.support.clips import SIDE, TINY, tiny_model

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def scorer():
    preprocess = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}
    return ClipScorer(
        tiny_model(), Architecture("tiny", TINY, preprocess).transform(), torch.tensor
    )


def test_vectors_are_those_of_the_scorer_and_gradients_reach_the_pixels(scorer):
    images = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    tower = image_tower(scorer, "tiny", CPU)
    assert tower.side == SIDE
    pixels = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255).requires_grad_()
    vectors = tower.vectors(pixels)
    np.testing.assert_allclose(vectors.detach(), scorer.embed_images(images), atol=2e-6)
    vectors[:, 0].sum().backward()
    assert pixels.grad is not None
    assert (pixels.grad.flatten(1).abs().sum(1) > 0).all()
    assert not any(weight.requires_grad for weight in tower.model.parameters())
    assert all(weight.requires_grad for weight in scorer.model.parameters())  # a copy is frozen


def test_colours_are_normalised_as_the_scorer_does(scorer):
    tower = image_tower(scorer, "tiny", CPU)
    torch.testing.assert_close(tower.mean.flatten(), torch.tensor([0.5, 0.4, 0.3]))
    torch.testing.assert_close(tower.std.flatten(), torch.tensor([0.2, 0.3, 0.4]))
