import numpy as np
import pytest
import torch
import yaml
from torch import nn

from dalle_model.tokenizers.codec import CodecError
from dalle_model.tokenizers.registry import codec_sha256, inspect_codec, load_codec
from tests.support.codecs import save_script

SETTINGS = {
    "encoder": "encoder.pt",
    "decoder": "decoder.pt",
    "image_shape": [8, 16],
    "token_shape": [2, 4],
    "num_codes": 100_000,
    "pixel_range": [-1, 1],
    "resample": "bicubic",
}


class Levels(nn.Module):
    """The mean of 4 x 4 pixels as a code, first in a tuple as exporters return it."""

    def forward(self, x):
        mean = nn.functional.avg_pool2d(x.float().mean(1), 4)
        return ((mean + 1) / 2 * 99_999).round().long(), x


class Greys(nn.Module):
    def forward(self, codes):
        grey = codes.float() / 99_999 * 2 - 1
        rows = grey.repeat_interleave(4, 1).repeat_interleave(4, 2)
        return rows[:, None].expand(-1, 3, -1, -1)


class Halves(nn.Module):
    """Two codebooks: the hundreds and the rest."""

    def forward(self, x):
        codes = ((nn.functional.avg_pool2d(x.mean(1), 4) + 1) / 2 * 9_999).round().long()
        return torch.stack([codes // 100, codes % 100], -1)


class Features(nn.Module):
    def forward(self, x):
        return x


@pytest.fixture
def write(tmp_path):
    def write(module=Levels, **changes):
        save_script(module(), f"{tmp_path}/encoder.pt")
        save_script(Greys(), f"{tmp_path}/decoder.pt")
        settings = {k: v for k, v in (SETTINGS | changes).items() if v is not None}
        (tmp_path / "levels.yaml").write_text(yaml.safe_dump(settings))
        return f"{tmp_path}/levels.yaml"

    return write


def stripes(count=2):
    greys = np.arange(count * 8, dtype=np.uint8).reshape(count, 2, 4, 1) * 9
    return greys.repeat(4, 1).repeat(4, 2).repeat(3, 3)


def test_an_exported_pair_is_a_codec(write):
    codec = load_codec(write())
    assert codec.facts == inspect_codec(write())
    assert (codec.facts.name, codec.facts.image_shape) == ("levels", (8, 16))
    codes = codec.encode(stripes())
    assert (codes.dtype.name, codes.shape) == ("uint32", (2, 8))
    assert np.array_equal(codec.decode(codes), stripes())


def test_codebooks_are_a_last_axis(write):
    codec = load_codec(write(Halves, codebooks=2, num_codes=100, decoder=None))
    codes = codec.encode(stripes())
    assert (codes.dtype.name, codes.shape) == ("uint16", (2, 8, 2))
    assert len(np.unique(codes[..., 1])) > 5


def test_an_encoder_alone_says_so(write):
    codec = load_codec(write(decoder=None))
    assert codec.facts.encoder_only
    with pytest.raises(CodecError, match="has no decoder"):
        codec.decode(codec.encode(stripes()))


def test_the_digest_is_of_the_archives_and_the_settings(write):
    first = codec_sha256(write())
    assert codec_sha256(write()) == first
    assert codec_sha256(write(pixel_range=[0, 1])) != first
    assert codec_sha256(write(decoder=None)) != first
    assert codec_sha256(write(Halves)) != first


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"encoder": None}, "`encoder` is missing"),
        ({"encoder": "none.pt"}, r"none\.pt"),
        ({"grid": 4}, "`grid` is no setting"),
        ({"dtype": "int8"}, "dtype 'int8' is none of float32"),
        ({"image_shape": [8]}, "no height and width"),
        ({"image_shape": 8}, "describes no codec"),
        ({"token_shape": ["a"]}, "is no shape"),
        ({"num_codes": "many"}, "describes no codec"),
        ({"pixel_range": [1, -1]}, "pixel_range .* is empty"),
        ({"resample": "box"}, "'box' is no filter"),
    ],
)
def test_a_file_that_describes_no_codec_is_refused(write, changes, problem):
    for attempt in (inspect_codec, load_codec):
        with pytest.raises(CodecError, match=problem):
            attempt(write(**changes))


def test_what_is_no_yaml_or_no_torchscript_is_refused(write, tmp_path):
    url = write()
    (tmp_path / "encoder.pt").write_bytes(b"PK")
    with pytest.raises(CodecError, match="is no TorchScript"):
        load_codec(url)
    for content in ("{", "3", "a" * 70_000):
        (tmp_path / "levels.yaml").write_text(content)
        with pytest.raises(CodecError, match="describes no codec"):
            inspect_codec(url)
    with pytest.raises(CodecError, match="no codec at"):
        inspect_codec(f"{tmp_path}/none.yaml")


@pytest.mark.parametrize(
    ("encoder", "changes", "problem"),
    [
        (Features, {}, r"returns torch\.float32 \(2, 3, 8, 16\)"),
        (Levels, {"token_shape": [2, 2]}, r"not whole numbers \(2, 2, 2\)"),
        (Levels, {"num_codes": 10}, "codes beyond its `num_codes`"),
    ],
)
def test_an_encoder_that_is_not_as_described_is_refused(write, encoder, changes, problem):
    with pytest.raises(CodecError, match=problem):
        load_codec(write(encoder, **changes)).encode(stripes())
