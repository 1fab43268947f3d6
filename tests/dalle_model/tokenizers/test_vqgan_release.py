"""The released VQGANs at small sizes: codes and pixels are those of their own programs.

The numbers below were printed by the classes of taming-transformers (PyPI
`taming-transformers-rom1504` 0.0.6: `Encoder`, `Decoder`, `VectorQuantizer2`, and the logits of
`GumbelQuantize`) and of LlamaGen (3786e6a: `VQModel`), with the weights of
`tests.support.codecs.filled` by their own names, and the images of `images`; pixels are those of
the second image, `decoded[1, :, ::5, 3]`. torch 2.15, a CPU with AVX2.
"""

import re

import numpy as np
import pytest
import torch
import yaml

from dalle_model.tokenizers.convert import convert
from dalle_model.tokenizers.pickles import ConversionError
from dalle_model.tokenizers.registry import inspect_codec, load_codec
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_config import VqganConfig
from tests.support.codecs import filled

NEAREST = VqganConfig(64, 16, 32, 32, (1, 2, 2), 1, (2,), "nearest", (16, 16))
GUMBEL = VqganConfig(64, 32, 32, 32, (1, 2), 2, (1,), "gumbel", (8, 8))
COSINE = VqganConfig(64, 8, 32, 128, (1, 2), 2, (1,), "cosine", (8, 8))
CODES = {
    NEAREST: [
        [2, 5, 5, 31, 26, 46, 37, 18, 16, 45, 51, 39, 62, 9, 9, 9],
        [53, 5, 30, 53, 55, 37, 56, 31, 62, 53, 37, 11, 14, 57, 9, 51],
    ],
    GUMBEL: [
        [27, 63, 59, 14, 47, 52, 30, 27, 12, 62, 48, 59, 40, 1, 52, 48],
        [30, 48, 23, 58, 31, 31, 28, 7, 52, 30, 60, 40, 47, 20, 15, 23],
    ],
    COSINE: [
        [54, 0, 51, 51, 37, 2, 3, 20, 54, 15, 51, 2, 25, 8, 57, 2],
        [18, 54, 62, 47, 14, 53, 53, 61, 61, 2, 15, 2, 61, 3, 25, 2],
    ],
}
PIXELS = {
    NEAREST: [
        *(-0.6497, -0.4118, 0.8247, 0.2509, 0.7914, 0.8216),
        *(-0.371, 0.3968, -0.267, 0.8255, -0.2917, 0.6991),
    ],
    GUMBEL: [0.3535, 0.3739, -0.261, 1.6821, -0.3995, 0.3211],
    COSINE: [-0.1944, -0.1995, 0.7702, 0.0465, -0.3665, -0.4408],
}
# Source: counted in taming-transformers (3ba01b2): f16-1024, f16-16384, gumbel f8-8192
PARAMETERS = [72_141_699, 76_073_859, 68_995_971]
ALL = pytest.mark.parametrize("config", [NEAREST, GUMBEL, COSINE], ids=lambda c: c.quantizer)


def images(config):
    shape = (2, *config.image_shape, 3)
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def model_yaml(config):
    sizes = {
        "double_z": False,
        "z_channels": config.z_channels,
        "resolution": config.image_shape[0],
        "in_channels": 3,
        "out_ch": 3,
        "ch": config.ch,
        "ch_mult": list(config.ch_mult),
        "num_res_blocks": config.num_res_blocks,
        "attn_resolutions": [config.image_shape[0] >> level for level in config.attn_levels],
        "dropout": 0.0,
    }
    params = {"embed_dim": config.embed_dim, "n_embed": config.num_codes, "ddconfig": sizes}
    return {"model": {"target": "taming.models.vqgan.VQModel", "params": params}}


def llamagen_name(name, levels):
    """Of a tensor of ours."""
    name = re.sub(r"^encoder\.down\.", "encoder.conv_blocks.", name)
    name = re.sub(
        r"^decoder\.up\.(\d)", lambda m: f"decoder.conv_blocks.{levels - 1 - int(m[1])}", name
    )
    name = re.sub(r"(conv_blocks\.\d)\.block\.", r"\1.res.", name)
    places = {"block_1": "0", "attn_1": "1", "block_2": "2"}
    return re.sub(r"mid\.(\w+)\.", lambda m: f"mid.{places[m[1]]}.", name)


def write_release(config, folder):
    """The files of a release; their URLs."""
    shapes = {n: tuple(t.shape) for n, t in Vqgan(config).state_dict().items()}
    if config.quantizer == "cosine":
        shapes = {llamagen_name(n, len(config.ch_mult)): shape for n, shape in shapes.items()}
        weights = filled(shapes | {"quantize.codebook_used": (65536,)})
        torch.save({"model": weights, "steps": 3}, folder / "vq.pt")
        return [f"{folder}/vq.pt"]
    loss = {"loss.discriminator.main.0.weight": torch.zeros(3)}
    torch.save({"state_dict": filled(shapes) | loss, "epoch": 1}, folder / "last.ckpt")
    (folder / "model.yaml").write_text(yaml.safe_dump(model_yaml(config)))
    return [f"{folder}/last.ckpt", f"{folder}/model.yaml"]


@ALL
def test_codes_and_pixels_are_those_of_the_release(config, tmp_path):
    out = f"{tmp_path}/x.safetensors"
    facts = convert(write_release(config, tmp_path), out, str(config.image_shape[0]))
    codec = load_codec(out)
    assert codec.facts == facts == inspect_codec(out)
    assert (facts.token_shape, facts.num_codes) == ((4, 4), 64)
    assert (facts.pixel_range, facts.resample) == ((-1, 1), "bicubic")
    codes = codec.encode(images(config))
    assert codes.tolist() == CODES[config]
    model = codec.model  # type: ignore[attr-defined]  # of a `VqganCodec`
    pixels = model.decode(torch.from_numpy(codes.astype(np.int64)).view(2, 4, 4))
    assert pixels[1, :, ::5, 3].flatten().tolist() == pytest.approx(PIXELS[config], abs=1e-4)


@ALL
def test_sizes_are_told_by_the_tensors_alone(config, tmp_path):
    checkpoint, out = write_release(config, tmp_path)[0], f"{tmp_path}/x.safetensors"
    convert([checkpoint], out, str(config.image_shape[0]))
    model = load_codec(out).model  # type: ignore[attr-defined]
    assert model.config == config


def test_images_are_of_the_resolution_of_the_yaml_file_unless_a_size_is_given(tmp_path):
    sources, out = write_release(NEAREST, tmp_path), f"{tmp_path}/x.safetensors"
    assert convert(sources, out).image_shape == (16, 16)
    assert convert(sources, out, "8x24").token_shape == (2, 6)
    images = np.random.default_rng(0).integers(0, 256, (1, 8, 24, 3), dtype=np.uint8)
    codec = load_codec(out)
    assert codec.decode(codec.encode(images)).shape == (1, 8, 24, 3)
    assert convert(sources[:1], out).image_shape == (256, 256)
    with pytest.raises(ConversionError, match="an edge is 18 px, must be a multiple of 4"):
        convert(sources, out, "18")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"n_embed": 32}, "num_codes is 32 there, and 64 by the tensors"),
        ({"ddconfig": {"ch_mult": [1, 2]}}, r"ch_mult is \(1, 2\) there"),
        ({"ddconfig": {"attn_resolutions": [8]}}, r"attn_levels is \(1,\) there"),
        ({"ddconfig": 3}, r"is no model\.yaml of a VQGAN"),
    ],
)
def test_the_yaml_file_of_another_model_is_refused(tmp_path, changes, problem):
    sources = write_release(NEAREST, tmp_path)
    document = model_yaml(NEAREST)
    params = document["model"]["params"]
    sizes = changes.get("ddconfig", {})
    params |= changes
    if isinstance(sizes, dict):
        params["ddconfig"] = model_yaml(NEAREST)["model"]["params"]["ddconfig"] | sizes
    (tmp_path / "model.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(ConversionError, match=problem):
        convert(sources, f"{tmp_path}/x.safetensors")


def test_an_autoencoder_without_a_codebook_is_refused(tmp_path):
    sources = write_release(NEAREST, tmp_path)
    saved = torch.load(sources[0])
    del saved["state_dict"]["quantize.embedding.weight"]
    torch.save(saved, sources[0])
    with pytest.raises(ConversionError, match=r"has no tensor 'quantize\.embedding\.weight'"):
        convert(sources, f"{tmp_path}/x.safetensors")


def test_a_yaml_file_goes_with_a_checkpoint(tmp_path):
    sources = write_release(NEAREST, tmp_path)
    for given, why in (
        (sources[1:], "none is given"),
        ([*sources, f"{tmp_path}/other.yaml"], "has one YAML file"),
    ):
        with pytest.raises(ConversionError, match=why):
            convert(given, f"{tmp_path}/x.safetensors")


def test_the_sizes_of_the_releases_have_their_published_numbers_of_parameters():
    with torch.device("meta"):
        sizes = [
            sum(p.numel() for p in Vqgan(config).parameters())
            for config in (
                VqganConfig(num_codes=1024),
                VqganConfig(),
                VqganConfig(8192, ch_mult=(1, 1, 2, 4), attn_levels=(3,), quantizer="gumbel"),
            )
        ]
    assert sizes == PARAMETERS
