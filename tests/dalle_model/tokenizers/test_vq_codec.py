from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from dalle_model.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from dalle_model.settings import VqTraining
from dalle_model.tokenizers import devices
from dalle_model.tokenizers.abilities import GivesMargins, fast_form, precision_of
from dalle_model.tokenizers.codec import CodecError
from dalle_model.tokenizers.facts import vq_facts
from dalle_model.tokenizers.registry import codec_sha256, codec_url, inspect_codec, load_codec
from dalle_model.tokenizers.vq_codec import VqCodec
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.tokenizers.vqgan_codec import to_input, to_rgb
from tests.support.codecs import TINY_VQ, random_vq, write_vq


@pytest.fixture
def url(tmp_path):
    url = f"{tmp_path}/tiny.safetensors"
    write_vq(url)
    return url


def random_images(count, height=16, width=16):
    shape = (count, height, width, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_codes_and_images_have_the_protocol_s_types(url):
    codec = load_codec(url)
    codes = codec.encode(random_images(3))
    assert (codes.dtype.name, codes.shape) == ("uint16", (3, 4))
    rgb = codec.decode(codes)
    assert (rgb.dtype.name, rgb.shape) == ("uint8", (3, 16, 16, 3))
    facts = codec.facts
    assert facts == inspect_codec(url)
    assert (facts.name, facts.sha256) == ("tiny", codec_sha256(url))
    assert (facts.side, facts.grid, facts.num_codes, facts.pixel_range) == (16, 2, 32, (-1, 1))


def test_codes_and_images_are_those_of_the_model():
    model, images = random_vq(), random_images(300)  # above one tile of positions
    codec = VqCodec(model, vq_facts("x", "", TINY_VQ.to_dict(), {}))
    with torch.no_grad():
        expected = model.encode(to_input(images))
        decoded = to_rgb(model.decode(expected[:4]))
    assert np.array_equal(codec.encode(images), expected.flatten(1).numpy())
    assert np.array_equal(codec.decode(codec.encode(images[:4])), decoded)


def test_images_need_not_be_square(tmp_path):
    url = f"{tmp_path}/wide.safetensors"
    write_vq(url, replace(TINY_VQ, image_shape=(16, 24)))
    codec = load_codec(url)
    assert (codec.facts.image_shape, codec.facts.token_shape) == ((16, 24), (2, 3))
    images = random_images(2, 16, 24)
    codes = codec.encode(images)
    assert (codes.shape, codec.decode(codes).shape) == ((2, 6), images.shape)
    with pytest.raises(ValueError, match=r"expected uint8 \(B, 16, 24, 3\)"):
        codec.encode(images.transpose(0, 2, 1, 3))


def test_the_same_weights_fit_images_of_another_shape(url, tmp_path):
    wide = f"{tmp_path}/wide.safetensors"
    write_vq(wide, replace(TINY_VQ, image_shape=(16, 24)))
    codec, images = VqCodec.load(url).with_shape((16, 24)), random_images(2, 16, 24)
    assert (codec.facts.image_shape, codec.facts.token_shape) == ((16, 24), (2, 3))
    assert codec.facts.sha256 == codec_sha256(url)
    codes = codec.encode(images)
    assert np.array_equal(codes, load_codec(wide).encode(images))
    assert np.array_equal(codec.decode(codes), load_codec(wide).decode(codes))
    with pytest.raises(ValueError, match="16 x 20 px are no whole number of patches"):
        codec.with_shape((16, 20))


def test_margins_come_with_the_same_codes(url):
    codec = load_codec(url)
    assert isinstance(codec, GivesMargins)
    codes, margins = codec.encode_with_margins(random_images(5))
    assert codes.tolist() == codec.encode(random_images(5)).tolist()
    assert (margins.dtype.name, margins.shape) == ("float32", (5, 4))
    assert (margins > 0).all()


@pytest.mark.parametrize(("has_bfloat16", "precision"), [(False, "float32"), (True, "bfloat16")])
def test_the_fast_form_is_of_the_precision_that_the_processor_multiplies_in(
    url, has_bfloat16, precision, monkeypatch
):
    codec = load_codec(url)
    monkeypatch.setattr(devices, "multiplies_bfloat16", lambda device: has_bfloat16)
    fast = fast_form(codec)
    assert (precision_of(codec), precision_of(fast)) == ("float32", precision)
    assert fast.facts == codec.facts
    assert fast is fast_form(codec)
    same = fast.encode(random_images(64)) == codec.encode(random_images(64))
    assert same.mean() > 0.9


def test_half_precision_weights_load(tmp_path):
    url = f"{tmp_path}/half.safetensors"
    save_checkpoint(url, "vq", random_vq().half().state_dict(), TINY_VQ.to_dict())
    codec = load_codec(url)
    assert codec.decode(codec.encode(random_images(1))).shape == (1, 16, 16, 3)


def test_wrong_input_is_refused(url):
    codec = load_codec(url)
    with pytest.raises(ValueError, match=r"float32 \(1, 16, 16, 3\), expected uint8"):
        codec.encode(random_images(1).astype(np.float32))
    with pytest.raises(ValueError, match="code 32 is not below 32"):
        codec.decode(np.full((1, 4), 32, np.uint16))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (TINY_VQ.to_dict() | {"num_codes": 64}, "another architecture"),
        (TINY_VQ.to_dict() | {"sides": 64}, "another program version.*`dalle train vq`"),
        (TINY_VQ.to_dict() | {"image_shape": [16]}, "another program version"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(config, message, tmp_path):
    url = f"{tmp_path}/x.safetensors"
    save_checkpoint(url, "vq", random_vq().state_dict(), config)
    with pytest.raises(CheckpointError, match=message):
        load_codec(url)


def test_a_codec_names_the_filter_of_its_training(tmp_path):
    url = f"{tmp_path}/x.safetensors"
    extra = {"resample": "bicubic"}
    save_checkpoint(url, "vq", random_vq().state_dict(), TINY_VQ.to_dict(), extra)
    assert load_codec(url).facts.resample == inspect_codec(url).resample == "bicubic"
    extra = {"resample": "box"}
    save_checkpoint(url, "vq", random_vq().state_dict(), TINY_VQ.to_dict(), extra)
    with pytest.raises(CodecError, match="scaled by 'box'"):
        inspect_codec(url)


def test_the_shipped_codec_has_the_default_sizes_and_what_is_told_of_it_is_so():
    checkpoint = load_checkpoint(codec_url("demo"), "vq")
    assert checkpoint.config == VqConfig().to_dict()
    told = checkpoint.extra["settings"]  # of the settings that there were then
    assert told == {name: v for name, v in asdict(VqTraining()).items() if name in told}
    assert {"steps", "decay_steps", "learning_rate", "seed"} <= told.keys()
    metrics = checkpoint.extra["metrics"]
    assert metrics["psnr"] > metrics["kmeans_psnr"] + 1
    assert metrics["codes_used"] > 0.8 * VqConfig().num_codes
    assert metrics["context_share"] > 0.1
    assert load_codec("demo").decode(np.zeros((1, 64), np.uint16)).shape == (1, 64, 64, 3)
