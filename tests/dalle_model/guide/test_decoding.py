from typing import Any

import numpy as np
import pytest
import torch

from dalle_model.guide.decoding import decoding_of
from dalle_model.guide.loop import to_rgb
from dalle_model.tokenizers.codec import CodecError
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.facts import vqgan_facts
from dalle_model.tokenizers.registry import load_codec
from dalle_model.tokenizers.torchscript_codec import ScriptCodec
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_codec import VqganCodec
from dalle_model.tokenizers.vqgan_config import VqganConfig
from tests.support.codecs import filled, write_codec, write_vq

CPU = torch.device("cpu")
SIZES: dict[str, Any] = {
    "ch": 32,
    "ch_mult": (1, 2),
    "num_res_blocks": 1,
    "attn_levels": (),
    "image_shape": (8, 8),
}
QUANTIZERS = {
    "nearest": VqganConfig(16, 6, 8, **SIZES),
    "cosine": VqganConfig(16, 6, 8, quantizer="cosine", **SIZES),
    "gumbel": VqganConfig(16, 6, 6, quantizer="gumbel", **SIZES),
    "fsq": VqganConfig(15, 2, 8, quantizer="fsq", levels=(5, 3), **SIZES),
    "lfq": VqganConfig(16, 4, 8, quantizer="lfq", **SIZES),
}


def random_vqgan(config):
    model = Vqgan(config)
    shapes = {name: tuple(values.shape) for name, values in model.state_dict().items()}
    model.load_state_dict(filled(shapes))
    return VqganCodec(model, vqgan_facts("x", "0" * 64, config.to_dict(), {}))


@pytest.fixture(params=["dvae", "vq", *QUANTIZERS])
def codec(request, tmp_path):
    url = str(tmp_path / "codec.safetensors")
    if request.param in QUANTIZERS:
        return random_vqgan(QUANTIZERS[request.param])
    (write_codec if request.param == "dvae" else write_vq)(url)
    return load_codec(url)


def test_the_vectors_of_codes_become_the_pixels_that_the_codec_decodes(codec):
    facts, decoding = codec.facts, decoding_of(codec, CPU)
    codes = np.random.default_rng(0).integers(0, facts.num_codes, (1, facts.num_tokens))
    vectors = decoding.vectors(torch.from_numpy(codes[0]).view(facts.token_shape))
    decoded = codec.decode(codes.astype(facts.dtype))[0].astype(int)
    assert np.abs(to_rgb(decoding.pixels(vectors)).astype(int) - decoded).max() <= 1
    assert len(decoding.table) == facts.num_codes


def test_of_a_dvae_a_mixture_of_vectors_is_what_its_first_layer_makes_of_weights(tmp_path):
    write_codec(str(tmp_path / "dvae.safetensors"))
    codec = load_codec(str(tmp_path / "dvae.safetensors"))
    assert isinstance(codec, DvaeCodec)
    decoding, (rows, columns) = decoding_of(codec, CPU), codec.facts.token_shape
    weights = torch.randn(rows * columns, 32, generator=torch.Generator().manual_seed(0)).softmax(1)
    mixed = (weights @ decoding.table).T.view(1, -1, rows, columns)
    location, _ = codec.model.decoder(weights.T.reshape(1, 32, rows, columns))
    expected = ((torch.sigmoid(location) - 0.1) / 0.8).clamp(0, 1)
    torch.testing.assert_close(decoding.pixels(mixed), expected, atol=1e-5, rtol=0)


def test_a_codec_without_a_decoder_for_gradients_is_refused(codec):
    script = ScriptCodec.__new__(ScriptCodec)
    script.facts = codec.facts
    with pytest.raises(CodecError, match="no gradient passes through the decoder of codec"):
        decoding_of(script, CPU)
    script.facts = type(codec.facts)(**(vars(codec.facts) | {"encoder_only": True}))
    with pytest.raises(CodecError, match="cannot decode, so nothing can be drawn by it; name one"):
        decoding_of(script, CPU)
