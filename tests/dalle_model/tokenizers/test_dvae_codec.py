from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch

from dalle_model.checkpoint import CheckpointError, save_checkpoint
from dalle_model.tokenizers import devices
from dalle_model.tokenizers.abilities import GivesMargins, TakesShapes, fast_form, precision_of
from dalle_model.tokenizers.codec import Codec, CodecError
from dalle_model.tokenizers.dvae import Dvae, to_input, to_rgb
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.registry import codec_sha256, inspect_codec, load_codec
from tests.support.codecs import TINY, write_codec


@pytest.fixture
def url(tmp_path):
    url = f"{tmp_path}/tiny.safetensors"
    write_codec(url)
    return url


def random_images(count):
    return np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)


def test_codes_and_images_have_the_protocol_s_types(url):
    codec = load_codec(url)
    codes = codec.encode(random_images(3))
    assert (codes.dtype.name, codes.shape) == ("uint16", (3, 4))
    rgb = codec.decode(codes)
    assert (rgb.dtype.name, rgb.shape) == ("uint8", (3, 16, 16, 3))
    facts = codec.facts
    assert facts == inspect_codec(url)
    assert (facts.name, facts.sha256) == ("tiny", codec_sha256(url))
    assert (facts.side, facts.grid, facts.num_codes, facts.pixel_range) == (16, 2, 32, (0.1, 0.9))


def test_a_codec_names_the_filter_of_its_training(url, tmp_path):
    assert (
        load_codec(url).facts.resample == inspect_codec(url).resample == "lanczos"
    )  # named by none
    other = f"{tmp_path}/other.safetensors"
    weights = Dvae(TINY).state_dict()
    save_checkpoint(other, "dvae", weights, TINY.to_dict(), {"resample": "bicubic"})
    assert load_codec(other).facts.resample == inspect_codec(other).resample == "bicubic"
    save_checkpoint(other, "dvae", weights, TINY.to_dict(), {"resample": "box"})
    with pytest.raises(CodecError, match="scaled by 'box', not by bicubic or lanczos"):
        inspect_codec(other)
    with pytest.raises(CheckpointError, match="scaled by 'box'"):
        load_codec(other)


def test_images_need_not_be_square(tmp_path):
    url = f"{tmp_path}/wide.safetensors"
    write_codec(url, replace(TINY, image_width=24))
    codec = load_codec(url)
    assert codec.facts == inspect_codec(url)
    assert (codec.facts.image_shape, codec.facts.token_shape) == ((16, 24), (2, 3))
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3), dtype=np.uint8)
    codes = codec.encode(images)
    assert (codes.shape, codec.decode(codes).shape) == ((2, 6), images.shape)
    with pytest.raises(ValueError, match=r"expected uint8 \(B, 16, 24, 3\)"):
        codec.encode(images.transpose(0, 2, 1, 3))


@pytest.mark.parametrize("is_fast", [False, True])
@pytest.mark.parametrize("shape", [(8, 8), (8, 24), (40, 16), (64, 72)])
def test_another_shape_is_that_of_a_model_made_for_it(url, shape, is_fast, monkeypatch):
    monkeypatch.setattr(devices, "multiplies_bfloat16", lambda device: False)
    codec = DvaeCodec.load(url)
    plain = Dvae(replace(TINY, side=shape[0], image_width=shape[1])).eval()
    plain.load_state_dict(codec.model.state_dict())
    images = np.random.default_rng(0).integers(0, 256, (3, *shape, 3), dtype=np.uint8)
    assert isinstance(codec, TakesShapes)
    reshaped = codec.with_shape(shape)
    if is_fast:
        reshaped = reshaped.in_fast_form()
        assert reshaped.facts == codec.with_shape(shape).facts
    codes = reshaped.encode(images)
    with torch.inference_mode():
        assert np.array_equal(codes, plain.encode(to_input(images)).flatten(1).numpy())
        grid = torch.from_numpy(codes.astype(np.int64)).view(3, shape[0] // 8, shape[1] // 8)
        rgb = to_rgb(plain.decode(grid))
    assert np.array_equal(reshaped.decode(codes), rgb)
    assert codec.facts.image_shape == (16, 16)


def test_shapes_share_weights_and_the_fast_form(url):
    codec = DvaeCodec.load(url)
    fast = codec.in_fast_form()
    wide, tall = codec.with_shape((8, 16)), fast.with_shape((16, 8))
    assert wide.model is codec.model
    assert tall._encoding is fast._encoding is wide.in_fast_form()._encoding
    assert wide.with_shape((16, 16)).facts == codec.facts
    with pytest.raises(ValueError, match="12 x 16 px are no whole number of patches of 8 x 8 px"):
        codec.with_shape((12, 16))


def test_half_precision_weights_load(tmp_path):
    url = f"{tmp_path}/half.safetensors"
    save_checkpoint(url, "dvae", Dvae(TINY).half().state_dict(), TINY.to_dict())
    codec = load_codec(url)
    assert codec.decode(codec.encode(random_images(1))).shape == (1, 16, 16, 3)


def test_wrong_input_is_refused(url):
    codec = load_codec(url)
    with pytest.raises(ValueError, match=r"float32 \(1, 16, 16, 3\), expected uint8"):
        codec.encode(random_images(1).astype(np.float32))
    with pytest.raises(ValueError, match=r"\(1, 5\), expected \(B, 4\)"):
        codec.decode(np.zeros((1, 5), np.uint16))
    with pytest.raises(ValueError, match="code 32 is not below 32"):
        codec.decode(np.full((1, 4), 32, np.uint16))


def test_a_config_that_does_not_fit_the_tensors_is_refused(tmp_path):
    url = f"{tmp_path}/x.safetensors"
    save_checkpoint(url, "dvae", Dvae(TINY).state_dict(), TINY.to_dict() | {"num_codes": 64})
    with pytest.raises(CheckpointError, match="another architecture"):
        load_codec(url)


def test_a_config_of_another_version_is_refused(tmp_path):
    url = f"{tmp_path}/x.safetensors"
    save_checkpoint(url, "dvae", {}, {"sides": 64})
    with pytest.raises(CheckpointError, match="the config of another program version"):
        load_codec(url)


def test_margins_come_with_the_same_codes(url):
    codec = load_codec(url)
    images = random_images(5)
    assert isinstance(codec, GivesMargins)
    codes, margins = codec.encode_with_margins(images)
    assert codes.tolist() == codec.encode(images).tolist()
    assert (margins.dtype.name, margins.shape) == ("float32", (5, 4))
    assert (margins >= 0).all()


@pytest.mark.parametrize(("has_bfloat16", "precision"), [(False, "float32"), (True, "bfloat16")])
def test_the_fast_form_is_of_the_precision_that_the_processor_multiplies_in(
    url, has_bfloat16, precision, monkeypatch
):
    codec = load_codec(url)
    monkeypatch.setattr(devices, "multiplies_bfloat16", lambda device: has_bfloat16)
    fast = fast_form(codec)
    assert (precision_of(codec), precision_of(fast)) == ("float32", precision)
    assert fast.facts == codec.facts
    same = fast.encode(random_images(64)) == codec.encode(random_images(64))
    assert same.mean() > 0.9


def test_a_codec_without_a_fast_form_is_its_own():
    plain = cast(Codec, object())
    assert fast_form(plain) is plain
    assert precision_of(plain) == "float32"
