import pytest

from dalle_model.checkpoint import CheckpointError
from dalle_model.tokenizers.codec import CodecFacts
from pipelines.encode import rates
from pipelines.encode.rates import RATES, STORED_BYTES, cost_of
from tests.support.documents import ROOT


@pytest.fixture
def codec(monkeypatch):
    """Says of a codec what its file would say."""

    def is_of(kind, shape, patch, num_bytes, order="raster"):
        tokens = tuple(edge // patch for edge in shape)
        facts = CodecFacts("mine", "0", shape, tokens, 1024, "lanczos", (-1, 1), order=order)
        monkeypatch.setattr(rates, "inspect_codec", lambda _: facts)
        monkeypatch.setattr(rates, "codec_kind", lambda _: kind)
        monkeypatch.setattr(rates, "codec_bytes", lambda _: num_bytes)
        return cost_of("mine")

    return is_of


@pytest.mark.parametrize("rate", RATES)
def test_what_was_measured_is_counted_as_it_was(codec, rate):
    found = codec(rate.kind, rate.image_shape, rate.patch, int(rate.num_bytes * 1.03))
    assert found.cpu_s == rate.cpu_s
    assert found.assumes.startswith(f"by {rate.codec}, of {rate.image_shape[0]} x ")
    assert "not measured" not in found.assumes


def test_a_row_is_larger_by_its_codes(codec):
    assert codec("vq", (64, 64), 8, 4.6e6).stored_bytes == STORED_BYTES
    assert codec("vq", (256, 256), 8, 4.6e6).stored_bytes == STORED_BYTES + 2 * (32**2 - 8**2)


@pytest.mark.parametrize(
    ("kind", "shape", "patch", "num_bytes", "nearest", "pixels"),
    [
        ("vqgan", (256, 128), 16, 290e6, "a VQGAN as f16-16384", 0.5),
        ("vqgan", (512, 512), 8, 290e6, "a VQGAN as gumbel f8-8192", 4),
        ("vqgan", (256, 256), 4, 290e6, "a VQGAN as f16-16384", 1),
        ("dvae", (64, 64), 8, 390e6, "a dVAE of the released sizes", 1 / 16),
        ("vq", (64, 96), 8, 4.6e6, "a vq of the default sizes", 1.5),
        ("", (256, 256), 16, 0, "a VQGAN as f16-16384", 1),
    ],
)
def test_what_was_not_measured_is_counted_as_the_nearest_by_its_pixels(
    codec, kind, shape, patch, num_bytes, nearest, pixels
):
    found = codec(kind, shape, patch, num_bytes)
    near = next(rate for rate in RATES if rate.codec == nearest)
    assert found.cpu_s == pytest.approx(near.cpu_s * pixels)
    assert f"px, is not measured: counted by its pixels as {nearest}" in found.assumes


def test_a_codec_without_a_grid_of_patches_is_not_measured(codec):
    assert "not measured" in codec("dvae", (64, 64), 8, 7.1e6, order="sequence").assumes


def test_a_codec_that_is_not_there_says_so(tmp_path):
    with pytest.raises(CheckpointError, match=r"none\.safetensors"):
        cost_of(f"{tmp_path}/none.safetensors")


def test_seconds_are_those_of_the_document():
    text = (ROOT / "docs" / "benchmarks.md").read_text()
    for rate in RATES:
        assert f"| {rate.cpu_s:g} |" in text, rate
