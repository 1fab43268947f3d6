import pytest
import torch

from dalle_model.evaluate.reconstruction import psnr
from dalle_model.tokenizers.facts import vq_facts
from dalle_model.tokenizers.vq import Vq
from dalle_model.tokenizers.vq_codec import VqCodec
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.tokenizers.vqgan_codec import to_input
from dalle_model.train.codebook import MovingCodebook, start_from_components
from dalle_model.train.kmeans import fit_centroids, quantise
from tests.support.edges import edges


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def test_vectors_are_the_moving_averages_of_the_paper():
    codebook, decay = MovingCodebook(3, 2), 0.75
    codebook.start(torch.zeros(3, 2), share=1.0)
    z = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    codebook.update(z, torch.tensor([0, 0, 2]), decay)
    counts = decay * 1 + (1 - decay) * torch.tensor([2.0, 0.0, 1.0])
    sums = (1 - decay) * torch.tensor([[4.0, 6.0], [0.0, 0.0], [5.0, 6.0]])
    assert torch.allclose(codebook.vectors(), sums / counts[:, None])


def test_a_started_codebook_stays_where_its_features_are():
    vectors = torch.randn(4, 2, generator=draw())
    codebook = MovingCodebook(4, 2)
    codebook.start(vectors, share=3.0)
    for _ in range(10):
        codebook.update(vectors, torch.arange(4), 0.9)
    assert torch.allclose(codebook.vectors(), vectors, atol=1e-5)


def test_only_dead_codes_are_revived_and_at_features_far_from_their_vectors():
    codebook = MovingCodebook(4, 1)
    codebook.start(torch.zeros(4, 1), share=25.0)
    codebook.counts[2] = 0.1  # of 25 in even use
    z = torch.arange(100.0)[:, None]
    distances = torch.zeros(100)
    distances[70] = 1.0
    assert codebook.revive(z, distances, draw()) == 1
    assert codebook.vectors().flatten().tolist() == [0, 0, 70, 0]
    assert codebook.revive(z, distances, draw()) == 0


def test_equal_features_revive_codes_too():
    codebook = MovingCodebook(4, 1)
    codebook.start(torch.zeros(4, 1), share=0.0)
    assert codebook.revive(torch.ones(8, 1), torch.zeros(8), draw()) == 4


@pytest.mark.parametrize("embed_dim", [192, 16])
def test_a_model_starts_as_k_means_among_components(embed_dim):
    images = edges(32)[:, 8:24, 8:24]
    model = Vq(VqConfig(8, embed_dim, width=8, image_shape=(16, 16)))
    start_from_components(model, to_input(images), seed=0)
    codec = VqCodec(model, vq_facts("x", "", model.config.to_dict(), {}))
    reached = psnr(images, codec.decode(codec.encode(images)))
    baseline = psnr(images, quantise(images, fit_centroids(images, 8, 8, seed=0)))
    assert reached == pytest.approx(baseline, abs=1.0)
