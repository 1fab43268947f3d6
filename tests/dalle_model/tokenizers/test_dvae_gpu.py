"""On a CPU: what a GPU computes of its own is the product of bfloat16 that is summed in float32."""

from unittest.mock import Mock

import numpy as np
import pytest
import torch

from dalle_model.config import DvaeConfig
from dalle_model.tokenizers import devices, dvae_gpu
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.tokenizers.dvae import Dvae
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.dvae_gpu import EncodingOnGpu
from tests.support.codecs import TINY

CPU = torch.device("cpu")
# As the release, not square; and with a path through patches.
CONFIGS = (DvaeConfig(16, 48, hidden=8, bottleneck=8, image_width=32), TINY)


@pytest.fixture(params=CONFIGS, ids=["release", "patches"])
def exact(request) -> DvaeCodec:
    config = request.param
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Dvae(config)
        for name, parameter in model.encoder.named_parameters():
            if name.endswith("b"):
                parameter.data.normal_()
    facts = CodecFacts(
        name="random",
        sha256="0" * 64,
        image_shape=config.image_shape,
        token_shape=config.token_shape,
        num_codes=config.num_codes,
        resample="lanczos",
        pixel_range=(0.1, 0.9),
    )
    return DvaeCodec(model, facts)


def on_gpu(codec: DvaeCodec, dtype: torch.dtype = torch.float32) -> DvaeCodec:
    return DvaeCodec(codec.model, codec.facts, EncodingOnGpu(codec.model.encoder, CPU, dtype))


def images_of(codec: DvaeCodec, count: int = 6):
    shape = (count, *codec.facts.image_shape, 3)
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("rows", [1 << 14, 5])
def test_in_float32_codes_and_margins_are_those_of_the_exact_form(exact, rows, monkeypatch):
    monkeypatch.setattr(dvae_gpu, "_ROWS", rows)
    images = images_of(exact)
    codes, margins = exact.encode_with_margins(images)
    gpu = on_gpu(exact)
    found, found_margins = gpu.encode_with_margins(images)
    assert found.dtype == codes.dtype
    sure = margins > 1e-3
    assert sure.mean() > 0.9
    assert np.array_equal(found[sure], codes[sure])
    assert np.allclose(found_margins, margins, atol=1e-3)
    assert np.array_equal(gpu.encode(images), found)


def test_in_bfloat16_most_codes_are_those_of_float32(exact):
    images = images_of(exact, 32)
    gpu = on_gpu(exact, torch.bfloat16)
    assert gpu.precision == "bfloat16"
    assert (gpu.encode(images) == exact.encode(images)).mean() > 0.9


def test_the_weights_of_the_exact_form_stay_as_they_are(exact):
    before = {name: value.clone() for name, value in exact.model.state_dict().items()}
    on_gpu(exact).encode(images_of(exact))
    after = exact.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_images_of_another_shape_are_refused(exact):
    with pytest.raises(ValueError, match="expected uint8"):
        on_gpu(exact).encode(np.zeros((1, 8, 8, 3), np.uint8))


def test_on_a_device_it_is_in_float32_and_its_fast_form_in_bfloat16(exact, monkeypatch):
    monkeypatch.setattr(devices, "multiplies_bfloat16", lambda device: True)
    there = exact.on_device("cpu")
    assert (type(there._encoding), there.precision) == (EncodingOnGpu, "float32")
    fast = there.in_fast_form()
    assert (type(fast._encoding), fast.precision) == (EncodingOnGpu, "bfloat16")
    assert there.in_fast_form() is fast


def test_images_of_another_shape_are_encoded_there(exact):
    wide = exact.with_shape((24, 16))
    there = exact.on_device("cpu").with_shape((24, 16))
    images = images_of(wide)
    assert np.array_equal(there.encode(images), wide.encode(images))
    assert there.in_fast_form().encode(images).shape == (6, 6)


def test_on_a_gpu_bfloat16_is_summed_in_float32(monkeypatch):
    product = Mock()
    monkeypatch.setattr(torch, "mm", product)
    there = Mock(is_cuda=True, dtype=torch.bfloat16)
    dvae_gpu._product(there, there)
    product.assert_called_once_with(there, there, out_dtype=torch.float32)
