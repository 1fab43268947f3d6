import numpy as np
import pytest
import torch

from dalle_model.config import DvaeConfig
from dalle_model.tokenizers import chunks, dvae_encoding
from dalle_model.tokenizers.dvae import Encoder
from dalle_model.tokenizers.dvae_encoding import DvaeEncoding
from tests.support.codecs import TINY

# As the release, of two blocks a group; and with a path through patches.
CONFIGS = (DvaeConfig(16, 48, hidden=8, bottleneck=8), TINY)


def encoder_of(config: DvaeConfig) -> Encoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = Encoder(config).eval().requires_grad_(requires_grad=False)
        for name, parameter in encoder.named_parameters():
            if name.endswith("b"):
                parameter.normal_()
    return encoder


def pixels(config: DvaeConfig, count: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, config.side, config.side, generator=generator) * 0.8 + 0.1


def slow_best(encoder: Encoder, x: torch.Tensor):
    """The same from whole logits: codes, their logits, and their lead over the second best."""
    logits = encoder(x).permute(0, 2, 3, 1).flatten(0, 2)
    two = logits.topk(2).values
    return logits.argmax(1).numpy(), two[:, 0].numpy(), (two[:, 0] - two[:, 1]).numpy()


@pytest.mark.parametrize("tile", [1024, 16, 5])
@pytest.mark.parametrize("is_exact", [True, False])
@pytest.mark.parametrize("config", CONFIGS)
def test_codes_and_margins_are_those_of_the_whole_logits(config, is_exact, tile, monkeypatch):
    monkeypatch.setattr(dvae_encoding, "_ROWS", tile)
    monkeypatch.setattr(dvae_encoding, "_CODES", tile)
    encoder, x = encoder_of(config), pixels(config)
    codes, logits, margins = slow_best(encoder, x)
    found = DvaeEncoding(encoder, is_exact=is_exact).best(x, with_margins=True)
    assert found.codes.tolist() == codes.tolist()
    assert np.allclose(found.logits, logits, atol=1e-4)
    assert found.margins is not None
    assert np.allclose(found.margins, margins, atol=1e-4)
    assert DvaeEncoding(encoder).best(x).margins is None


@pytest.mark.parametrize("config", CONFIGS)
def test_images_that_go_in_one_by_one_have_the_same_codes(config, monkeypatch):
    encoder, x = encoder_of(config), pixels(config)
    whole = DvaeEncoding(encoder).best(x, with_margins=True)
    monkeypatch.setattr(chunks, "_MAP_BYTES", 1)
    found = DvaeEncoding(encoder).best(x, with_margins=True)
    assert found.codes.tolist() == whole.codes.tolist()
    assert found.margins is not None
    assert whole.margins is not None
    assert np.allclose(found.margins, whole.margins, atol=1e-4)


@pytest.mark.parametrize("config", CONFIGS)
def test_fused_kernels_change_no_bit(config, monkeypatch):
    if not dvae_encoding._is_fused(torch.float32):
        pytest.skip("this build of torch has no fused kernels")
    encoder, x = encoder_of(config), pixels(config)
    fused = DvaeEncoding(encoder).best(x)
    monkeypatch.setattr(dvae_encoding, "_is_fused", lambda dtype: False)
    assert DvaeEncoding(encoder).best(x).logits.tobytes() == fused.logits.tobytes()


@pytest.mark.parametrize("config", CONFIGS)
def test_weights_and_pixels_stay_as_they_are(config):
    encoder, x = encoder_of(config), pixels(config)
    weights = {name: value.clone() for name, value in encoder.state_dict().items()}
    before = x.clone()
    first, second = (DvaeEncoding(encoder).best(x).logits for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert torch.equal(x, before)
    assert all(torch.equal(value, weights[name]) for name, value in encoder.state_dict().items())


def test_in_bfloat16_most_codes_are_those_of_float32(monkeypatch):
    monkeypatch.setattr(dvae_encoding, "_is_fused", lambda dtype: dtype == torch.float32)
    encoder, x = encoder_of(TINY), pixels(TINY, 64)
    exact = DvaeEncoding(encoder).best(x)
    found = DvaeEncoding(encoder, torch.bfloat16).best(x)
    assert found.logits.dtype == np.float32
    assert not np.array_equal(found.logits, exact.logits)
    assert (found.codes == exact.codes).mean() > 0.9


def test_of_equal_logits_the_first_code_is_taken(monkeypatch):
    monkeypatch.setattr(dvae_encoding, "_CODES", 4)
    encoder = encoder_of(CONFIGS[0])
    for name, parameter in encoder.named_parameters():
        if name.startswith("blocks.output"):
            parameter.zero_()
    found = DvaeEncoding(encoder).best(pixels(CONFIGS[0]), with_margins=True)
    assert not found.codes.any()
    assert found.margins is not None
    assert not found.margins.any()
