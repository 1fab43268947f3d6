from dataclasses import replace

import numpy as np
import pytest
import torch

from dalle_model.checkpoint import CheckpointError, save_checkpoint
from dalle_model.tokenizers.abilities import TakesShapes
from dalle_model.tokenizers.registry import inspect_codec, load_codec
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_codec import VqganCodec, to_input, to_rgb
from dalle_model.tokenizers.vqgan_config import VqganConfig

SMALL = VqganConfig(64, 16, 32, 32, (1, 2), 1, (1,), "nearest", (8, 12))


@pytest.fixture
def url(tmp_path):
    url = f"{tmp_path}/small.safetensors"
    save_checkpoint(url, "vqgan", Vqgan(SMALL).state_dict(), SMALL.to_dict())
    return url


def test_codes_and_images_have_the_protocol_s_types(url):
    codec = load_codec(url)
    assert codec.facts == inspect_codec(url)
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 12, 3), dtype=np.uint8)
    codes = codec.encode(images)
    assert (codes.dtype.name, codes.shape) == ("uint16", (3, 24))
    assert np.array_equal(codes, codec.encode(images))
    rgb = codec.decode(codes)
    assert (rgb.dtype.name, rgb.shape) == ("uint8", (3, 8, 12, 3))


@pytest.mark.parametrize("shape", [(2, 2), (16, 6), (10, 20)])
def test_another_shape_is_that_of_a_model_made_for_it(url, shape):
    plain = Vqgan(replace(SMALL, image_shape=shape)).eval()
    codec = VqganCodec.load(url)
    assert isinstance(codec, TakesShapes)
    plain.load_state_dict(codec.model.state_dict())
    reshaped = codec.with_shape(shape)
    images = np.random.default_rng(0).integers(0, 256, (3, *shape, 3), dtype=np.uint8)
    codes = reshaped.encode(images)
    with torch.inference_mode():
        assert np.array_equal(codes, plain.encode(to_input(images)).flatten(1).numpy())
        rgb = to_rgb(
            plain.decode(torch.from_numpy(codes.astype(np.int64)).view(3, -1, shape[1] // 2))
        )
    assert np.abs(reshaped.decode(codes).astype(int) - rgb).max() <= 1
    assert codec.facts.image_shape == SMALL.image_shape
    with pytest.raises(ValueError, match="patches of 2 x 2 px"):
        codec.with_shape((3, 4))


def test_every_byte_survives_the_pixel_map():
    rgb = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    pixels = to_input(rgb)
    assert (pixels.min().item(), pixels.max().item()) == (-1, 1)
    assert np.array_equal(to_rgb(pixels), rgb)
    assert to_rgb(pixels * 3).tolist() != rgb.tolist()  # clamped, not wrapped
    assert to_rgb(pixels * 3).max() == 255


def test_wrong_input_is_refused(url):
    codec = load_codec(url)
    with pytest.raises(ValueError, match=r"expected uint8 \(B, 8, 12, 3\)"):
        codec.encode(np.zeros((1, 12, 8, 3), np.uint8))
    with pytest.raises(ValueError, match=r"\(1, 5\), expected \(B, 24\)"):
        codec.decode(np.zeros((1, 5), np.uint16))
    with pytest.raises(ValueError, match="code 64 is not below 64"):
        codec.decode(np.full((1, 24), 64, np.uint16))


def test_a_config_that_does_not_fit_the_tensors_is_refused(tmp_path):
    url = f"{tmp_path}/x.safetensors"
    weights = Vqgan(SMALL).state_dict()
    save_checkpoint(url, "vqgan", weights, replace(SMALL, num_codes=32).to_dict())
    with pytest.raises(CheckpointError, match="another architecture"):
        load_codec(url)
    save_checkpoint(url, "vqgan", weights, SMALL.to_dict() | {"quantizer": "other"})
    with pytest.raises(CheckpointError, match="the config of another program version"):
        load_codec(url)


def test_in_bfloat16_most_codes_are_those_of_float32(url):
    exact = VqganCodec.load(url)
    low = VqganCodec(exact.model, exact.facts, dtype=torch.bfloat16)
    assert low.precision == "bfloat16"
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 12, 3), dtype=np.uint8)
    assert (low.encode(images) == exact.encode(images)).mean() > 0.9


def test_on_the_processor_it_has_no_faster_form(url):
    codec = VqganCodec.load(url)
    assert codec.in_fast_form() is codec
    wide = codec.with_shape((16, 8))
    assert wide.in_fast_form().facts == wide.facts


def test_on_a_device_its_weights_are_copies_and_its_fast_form_multiplies_in_bfloat16(url):
    codec = VqganCodec.load(url)
    there = codec.on_device("meta")  # of torch: a device without any data
    assert next(there.model.parameters()).device.type == "meta"
    assert next(codec.model.parameters()).device.type == "cpu"
    assert (there.precision, there.in_fast_form().precision) == ("float32", "bfloat16")
