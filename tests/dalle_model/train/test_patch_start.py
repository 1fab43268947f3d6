import numpy as np
import pytest
import torch

from dalle_model.config import DvaeConfig
from dalle_model.tokenizers.dvae import Dvae, to_input
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.facts import dvae_facts
from dalle_model.train.kmeans import fit_centroids, nearest_centroids, quantise, to_patches
from dalle_model.train.patch_start import start_from_centroids
from tests.support.codecs import TINY


def random_images(count):
    return np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def centroids():
    return fit_centroids(random_images(20), TINY.num_codes, 3, seed=0)


def test_a_model_starts_exactly_at_patch_kmeans(centroids):
    model = Dvae(TINY)
    start_from_centroids(model, torch.from_numpy(centroids), 0.02)
    codec = DvaeCodec(model, dvae_facts("x", "", model.config.to_dict(), {}))
    points = to_patches(to_input(random_images(8)).numpy().transpose(0, 2, 3, 1), 8)
    codes = codec.encode(random_images(8))
    assert codes.ravel().tolist() == nearest_centroids(points, centroids).tolist()
    difference = codec.decode(codes).astype(int) - quantise(random_images(8), centroids)
    assert np.abs(difference).max() <= 1  # logit and back


def test_the_decoder_does_not_start_on_a_saddle(centroids):
    """The output's gradient needs features that depend on the codes around."""
    model = Dvae(TINY)
    start_from_centroids(model, torch.from_numpy(centroids), 0.02)
    features: list[torch.Tensor] = []
    relu = model.get_submodule("decoder.patch.context.relu")
    relu.register_forward_hook(lambda *a: features.append(a[2]))
    codes = torch.zeros(2, 2, 2, dtype=torch.long)
    codes[1, 1, 1] = 5
    model.decode(codes)
    at_one_place = features[0][:, :, 0, 0]
    assert (at_one_place[0] - at_one_place[1]).abs().max() > 0.01


def test_a_model_without_patch_path_is_refused():
    with pytest.raises(ValueError, match="patch_width 0"):
        start_from_centroids(Dvae(DvaeConfig(16, 32, 8, 8, 1)), torch.zeros(32, 192), 0.02)
