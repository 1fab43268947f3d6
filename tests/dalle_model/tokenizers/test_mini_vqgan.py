"""The VQGAN of DALL·E mini, as its two releases have it: in [0, 1], with norms of their own."""

import msgpack  # type: ignore[import-untyped]
import numpy as np
import pytest
import torch

from dalle_model.checkpoint import inspect_checkpoint
from dalle_model.tokenizers.codec import CodecError
from dalle_model.tokenizers.convert import convert
from dalle_model.tokenizers.pickles import ConversionError
from dalle_model.tokenizers.registry import load_codec
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_config import VqganConfig
from tests.support.codecs import filled
from tests.support.flax_files import write_flax
from tests.support.min_dalle import VQGanDetokenizer

SMALL = VqganConfig(64, 16, 32, 32, (1, 2, 2), 1, (2,), image_shape=(16, 16))


def _flax_name(name: str, ndim: int) -> str:
    """Of a tensor of taming's, as vqgan-jax renames it."""
    module, _, kind = name.rpartition(".")
    parts = module.split(".")
    joined = [
        f"{part}_{parts[i + 1]}" if parts[i + 1 : i + 2] and parts[i + 1].isdigit() else part
        for i, part in enumerate(parts)
        if not part.isdigit()
    ]
    for i, part in enumerate(parts):
        if part.isdigit():
            assert parts[i - 1] in ("down", "up", "block", "attn")
    words = {4: "kernel", 2: "embedding", 1: "scale"}
    return ".".join([*joined, words[ndim] if kind == "weight" else kind])


@pytest.fixture
def flax(tmp_path):
    """The file of a small VQGAN in Flax, and its tensors by our names."""
    weights = filled({n: tuple(t.shape) for n, t in Vqgan(SMALL).state_dict().items()})
    renamed = {
        _flax_name(n, t.ndim): (t.permute(2, 3, 1, 0) if t.ndim == 4 else t).numpy()
        for n, t in weights.items()
    }
    assert "encoder.down_0.block_0.norm1.scale" in renamed
    assert "decoder.mid.block_1.conv1.kernel" in renamed
    return write_flax(tmp_path / "flax_model.msgpack", renamed), weights


def test_the_vqgan_of_flax_is_converted(flax, tmp_path):
    url, weights = flax
    facts = convert([url], f"{tmp_path}/mini-vqgan.safetensors", "16")
    assert (facts.pixel_range, facts.num_codes, facts.token_shape) == ((0.0, 1.0), 64, (4, 4))
    codec = load_codec(f"{tmp_path}/mini-vqgan.safetensors")
    model = codec.model  # type: ignore[attr-defined]  # of a `VqganCodec`
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
    assert model.encoder.norm_out.eps == 1e-6
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    unit = torch.from_numpy(images / np.float32(255)).permute(0, 3, 1, 2)
    codes = codec.encode(images)
    assert np.array_equal(codes, model.encode(unit).flatten(1).numpy())
    pixels = model.decode(torch.from_numpy(codes.astype(np.int64)).view(2, 4, 4))
    shown = (pixels.clamp(0, 1) * 255).round().permute(0, 2, 3, 1).numpy()
    assert np.array_equal(codec.decode(codes), shown)


def test_min_dalles_detokenizer_shows_the_same_pixels(tmp_path):
    with torch.device("meta"):
        theirs = VQGanDetokenizer()
    shapes = {n: tuple(t.shape) for n, t in theirs.state_dict().items()}
    theirs.load_state_dict(filled(shapes), assign=True)
    torch.save(theirs.state_dict(), tmp_path / "detoker.pt")
    facts = convert([f"{tmp_path}/detoker.pt"], f"{tmp_path}/x.safetensors")
    assert (facts.image_shape, facts.token_shape) == ((256, 256), (16, 16))
    assert (facts.num_codes, facts.pixel_range) == (16384, (0.0, 1.0))
    codec = load_codec(f"{tmp_path}/x.safetensors").with_shape((32, 32))  # type: ignore[attr-defined]
    codes = torch.arange(4)[None] * 5461
    assert codec.model.decoder.norm_out.eps == theirs.decoder.norm_out.eps == 1e-5
    h_bnhw = theirs.embedding(codes.view(1, 2, 2)).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = theirs.decoder(theirs.post_quant_conv(h_bnhw))
    found = codec.model.decode(codes.view(1, 2, 2))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    shown = expected.clip(0.0, 1.0).mul(255).permute(0, 2, 3, 1).numpy()
    assert np.abs(codec.decode(codes.numpy().astype(np.uint16)) - shown).max() <= 0.51
    with pytest.raises(CodecError, match="only decodes"):
        codec.encode(np.zeros((1, 32, 32, 3), np.uint8))


def test_other_vqgans_keep_their_header(tmp_path):
    """So their checkpoints keep their bytes, by whose hash tokens name their codec."""
    shapes = {n: tuple(t.shape) for n, t in Vqgan(SMALL).state_dict().items()}
    torch.save({"state_dict": filled(shapes)}, tmp_path / "last.ckpt")
    convert([f"{tmp_path}/last.ckpt"], f"{tmp_path}/x.safetensors")
    config = inspect_checkpoint(f"{tmp_path}/x.safetensors", "vqgan").config
    assert not {"norm_eps", "pixel_range", "has_encoder"} & set(config)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xc1",
        msgpack.packb({"a": msgpack.ExtType(1, b"x")}),
        msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb(((9,), "float32", b"1234")))}),
        msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb(((1,), "object", b"1234")))}),
        msgpack.packb({"a": msgpack.ExtType(7, b"x")}),
    ],
)
def test_what_is_no_file_of_flax_is_refused(tmp_path, content):
    (tmp_path / "x.msgpack").write_bytes(content)
    with pytest.raises(ConversionError, match="is no file of Flax"):
        convert([f"{tmp_path}/x.msgpack"], f"{tmp_path}/x.safetensors")
