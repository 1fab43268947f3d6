import numpy as np
import pytest
import torch

from dalle_model.checkpoint import save_checkpoint
from dalle_model.tokenizers.quantizers import quantizer
from dalle_model.tokenizers.registry import load_codec
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_config import VqganConfig

FSQ = VqganConfig(240, 3, 32, 32, (1, 2), 1, (1,), "fsq", (8, 8), (8, 6, 5))
LFQ = VqganConfig(1 << 18, 18, 32, 32, (1, 2), 1, (1,), "lfq", (8, 8))
# Printed by `FSQ([8, 6, 5])` and `LFQ(codebook_size=2**18, dim=18)` of PyPI
# `vector-quantize-pytorch` 1.32.0 for `features`, of which rows 0 and 1, all columns, are shown.
PEER = {
    FSQ: [39, 154, 147, 190, 138, 161, 168, 227],
    LFQ: [227524, 49896, 59413, 259825, 75338, 38897, 35770, 118866],
}


def features(config):
    draw = np.random.default_rng(2).standard_normal((1, config.embed_dim, 4, 4), dtype=np.float32)
    return torch.from_numpy(draw * np.float32(1.5))


def test_codes_are_those_of_the_peer():
    for config, expected in PEER.items():
        found = quantizer(config).codes(features(config))[0, :2].flatten().tolist()
        assert found == expected


@pytest.mark.parametrize("config", [FSQ, LFQ], ids=["fsq", "lfq"])
def test_every_code_is_its_own_vector_s(config):
    of = quantizer(config)
    codes = torch.arange(config.num_codes).view(1, -1, 1)
    vectors = of.vectors(codes)
    assert vectors.shape == (1, config.embed_dim, config.num_codes, 1)
    assert (vectors.min().item(), vectors.max().item()) == (-1, 1)
    assert len(vectors[0, :, :, 0].T.unique(dim=0)) == config.num_codes
    if config is LFQ:  # of `fsq` the squeezing lies between
        assert torch.equal(of.codes(vectors), codes)


def test_every_value_of_a_channel_is_reached_and_none_beyond():
    of = quantizer(FSQ)
    line = torch.linspace(-9, 9, 2001).view(1, 1, -1, 1).expand(1, 3, -1, 1)
    codes = of.codes(line)
    assert (codes.min().item(), codes.max().item()) == (0, 239)
    for channel, count in enumerate(FSQ.levels):
        values = of.vectors(codes)[0, channel, :, 0]
        assert len(values.unique()) == count
        assert (values.diff() >= 0).all()


def test_large_codes_are_uint32_and_survive(tmp_path):
    for config, dtype in ((FSQ, np.uint16), (LFQ, np.uint32)):
        url = f"{tmp_path}/{config.quantizer}.safetensors"
        torch.manual_seed(0)
        save_checkpoint(url, "vqgan", Vqgan(config).state_dict(), config.to_dict())
        codec = load_codec(url)
        images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
        codes = codec.encode(images)
        assert codec.facts.dtype == codes.dtype == dtype
        assert codes.shape == (4, 16)
        assert codec.decode(codes).shape == images.shape
        largest = np.full((1, 16), config.num_codes - 1, dtype)
        assert not np.array_equal(codec.decode(largest), codec.decode(np.zeros_like(largest)))
        with pytest.raises(ValueError, match=f"code {config.num_codes} is not below"):
            codec.decode(np.full_like(largest, config.num_codes))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"quantizer": "fsq"}, "levels of 3 or more"),
        ({"quantizer": "fsq", "levels": (8, 2), "embed_dim": 2, "num_codes": 16}, "3 or more"),
        ({"quantizer": "fsq", "levels": (8, 8), "embed_dim": 2, "num_codes": 65}, "has 64 codes"),
        ({"quantizer": "lfq", "embed_dim": 18, "num_codes": 1 << 17}, "has 262144 codes"),
        ({"quantizer": "nearest", "levels": (8,)}, "nearest has no levels"),
        ({"quantizer": "other"}, "'other' is none of nearest, cosine"),
    ],
)
def test_codes_that_a_quantizer_does_not_have_are_refused(values, problem):
    with pytest.raises(ValueError, match=problem):
        VqganConfig(**values)
