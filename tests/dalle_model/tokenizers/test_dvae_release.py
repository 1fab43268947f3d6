import numpy as np
import pytest
import torch
from dall_e import Decoder, Encoder, map_pixels, unmap_pixels

from dalle_model.tokenizers.convert import convert
from dalle_model.tokenizers.pickles import ConversionError
from dalle_model.tokenizers.registry import load_codec

SIZES = {"n_hid": 64, "vocab_size": 512}  # the smallest that the release's classes take


@pytest.fixture(scope="module", params=[True, False], ids=["zip", "legacy"])
def released(request, tmp_path_factory):
    """The release's own classes with random weights and biases, pickled whole; their folder."""
    folder = tmp_path_factory.mktemp("released")
    torch.manual_seed(0)
    for name, module in (
        ("encoder", Encoder(**SIZES, n_blk_per_group=1)),
        ("decoder", Decoder(**SIZES, n_blk_per_group=1, n_init=16)),
    ):
        for tensor in module.parameters():
            if tensor.ndim == 1:
                tensor.data.normal_(std=0.1)
        torch.save(module, folder / f"{name}.pkl", _use_new_zipfile_serialization=request.param)
    return folder


def converted(folder, out, size):
    sources = [f"{folder}/decoder.pkl", f"{folder}/encoder.pkl"]
    return convert(sources, str(out), size)


@pytest.mark.parametrize(("size", "height", "width"), [("32", 32, 32), ("24x40", 24, 40)])
def test_codes_and_images_are_those_of_the_release(released, tmp_path, size, height, width):
    out = tmp_path / "released.safetensors"
    facts = converted(released, out, size)
    assert (facts.image_shape, facts.token_shape) == ((height, width), (height // 8, width // 8))
    assert (facts.num_codes, facts.resample, facts.name) == (512, "lanczos", "released")
    encoder, decoder = (
        torch.load(released / f"{name}.pkl", weights_only=False) for name in ("encoder", "decoder")
    )
    images = np.random.default_rng(0).integers(0, 256, (3, height, width, 3), dtype=np.uint8)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    codec = load_codec(str(out))

    logits = encoder(map_pixels(pixels))
    model = codec.model  # type: ignore[attr-defined]  # of a `DvaeCodec`
    assert torch.equal(model.encoder(map_pixels(pixels)), logits)
    codes = logits.argmax(1)
    assert len(codes.unique()) > 5
    assert np.array_equal(codec.encode(images), codes.flatten(1).numpy())

    one_hot = torch.nn.functional.one_hot(codes, 512).permute(0, 3, 1, 2).float()
    decoded = unmap_pixels(torch.sigmoid(decoder(one_hot).float()[:, :3]))
    expected = (decoded * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(codec.decode(codec.encode(images)), expected)


def test_two_conversions_give_the_same_bytes(released, tmp_path):
    one, other = tmp_path / "one.safetensors", tmp_path / "other.safetensors"
    assert converted(released, one, "").sha256 == converted(released, other, "").sha256
    assert one.read_bytes() == other.read_bytes()
    assert load_codec(str(one)).facts.image_shape == (256, 256)


def test_a_half_is_not_a_codec(released, tmp_path):
    encoder, out = str(released / "encoder.pkl"), f"{tmp_path}/x.safetensors"
    for sources, why in (
        ([encoder], "the decoder is missing"),
        ([encoder, encoder], "is the second encoder"),
    ):
        with pytest.raises(ConversionError, match=why):
            convert(sources, out)
