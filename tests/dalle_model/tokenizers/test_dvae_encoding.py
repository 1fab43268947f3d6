import numpy as np
import pytest
import torch

from dalle_model.config import DvaeConfig
from dalle_model.pixels import Rgb
from dalle_model.tokenizers import chunks, dvae_encoding
from dalle_model.tokenizers.dvae import Encoder, to_input
from dalle_model.tokenizers.dvae_encoding import DvaeEncoding
from tests.support.codecs import TINY

# As the release, of two blocks a group; and with one.
CONFIGS = (DvaeConfig(16, 48, hidden=8, bottleneck=8), TINY)


def encoder_of(config: DvaeConfig) -> Encoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = Encoder(config).eval().requires_grad_(requires_grad=False)
        for name, parameter in encoder.named_parameters():
            if name.endswith("b"):
                parameter.normal_()
    return encoder


def images_of(config: DvaeConfig, count: int = 6) -> Rgb:
    shape = (count, config.side, config.side, 3)
    return np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)


def slow_best(encoder: Encoder, images: Rgb):
    """The same from whole logits: codes, their logits, and their lead over the second best."""
    logits = encoder(to_input(images)).permute(0, 2, 3, 1).flatten(0, 2)
    two = logits.topk(2).values
    return logits.argmax(1).numpy(), two[:, 0].numpy(), (two[:, 0] - two[:, 1]).numpy()


@pytest.mark.parametrize("tile", [1024, 16, 5])
@pytest.mark.parametrize("config", CONFIGS)
def test_codes_and_margins_are_those_of_the_whole_logits(config, tile, monkeypatch):
    monkeypatch.setattr(dvae_encoding, "_ROWS", tile)
    monkeypatch.setattr(dvae_encoding, "_CODES", tile)
    encoder, images = encoder_of(config), images_of(config)
    codes, logits, margins = slow_best(encoder, images)
    found = DvaeEncoding(encoder).best(images, with_margins=True)
    assert found.codes.tolist() == codes.tolist()
    assert np.allclose(found.logits, logits, atol=1e-4)
    assert found.margins is not None
    assert np.allclose(found.margins, margins, atol=1e-4)
    assert DvaeEncoding(encoder).best(images).margins is None


@pytest.mark.parametrize("config", CONFIGS)
def test_images_that_go_in_one_by_one_have_the_same_codes(config, monkeypatch):
    encoder, images = encoder_of(config), images_of(config)
    whole = DvaeEncoding(encoder).best(images, with_margins=True)
    monkeypatch.setattr(chunks, "_MAP_BYTES", 1)
    found = DvaeEncoding(encoder).best(images, with_margins=True)
    assert found.codes.tolist() == whole.codes.tolist()
    assert found.margins is not None
    assert whole.margins is not None
    assert np.allclose(found.margins, whole.margins, atol=1e-4)


@pytest.mark.parametrize("config", CONFIGS)
def test_fused_kernels_change_the_last_bits_at_most(config, monkeypatch):
    if not dvae_encoding._is_fused(torch.float32):
        pytest.skip("this build of torch has no fused kernels")
    encoder, images = encoder_of(config), images_of(config)
    fused = DvaeEncoding(encoder).best(images)
    monkeypatch.setattr(dvae_encoding, "_is_fused", lambda dtype: False)
    plain = DvaeEncoding(encoder).best(images)
    assert plain.codes.tolist() == fused.codes.tolist()
    assert np.allclose(plain.logits, fused.logits, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("config", CONFIGS)
def test_weights_and_images_stay_as_they_are(config):
    encoder, images = encoder_of(config), images_of(config)
    weights = {name: value.clone() for name, value in encoder.state_dict().items()}
    before = images.copy()
    first, second = (DvaeEncoding(encoder).best(images).logits for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert np.array_equal(images, before)
    assert all(torch.equal(value, weights[name]) for name, value in encoder.state_dict().items())


def test_in_bfloat16_most_codes_are_those_of_float32(monkeypatch):
    monkeypatch.setattr(dvae_encoding, "_is_fused", lambda dtype: dtype == torch.float32)
    encoder, images = encoder_of(TINY), images_of(TINY, 64)
    exact = DvaeEncoding(encoder).best(images)
    found = DvaeEncoding(encoder, torch.bfloat16).best(images)
    assert found.logits.dtype == np.float32
    assert not np.array_equal(found.logits, exact.logits)
    assert (found.codes == exact.codes).mean() > 0.9


def test_of_equal_logits_the_first_code_is_taken(monkeypatch):
    monkeypatch.setattr(dvae_encoding, "_CODES", 4)
    encoder = encoder_of(CONFIGS[0])
    for name, parameter in encoder.named_parameters():
        if name.startswith("blocks.output"):
            parameter.zero_()
    found = DvaeEncoding(encoder).best(images_of(CONFIGS[0]), with_margins=True)
    assert not found.codes.any()
    assert found.margins is not None
    assert not found.margins.any()
