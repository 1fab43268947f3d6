import pytest
import torch

from dalle_model.tokenizers.convert import convert, parse_size
from dalle_model.tokenizers.dvae import Dvae
from dalle_model.tokenizers.pickles import ConversionError
from dalle_model.tokenizers.registry import load_codec
from tests.support.codecs import TINY


@pytest.fixture
def halves(tmp_path):
    """State dicts of the two halves, by file."""
    model = Dvae(TINY)
    urls = [f"{tmp_path}/{name}.pt" for name in ("encoder", "decoder")]
    torch.save(model.encoder.state_dict(), urls[0])
    torch.save(model.decoder.state_dict(), urls[1])
    return urls


def test_state_dicts_are_converted_with_the_sizes_that_they_have(halves, tmp_path):
    facts = convert(halves, f"{tmp_path}/mine.safetensors", "16")
    assert (facts.name, facts.image_shape, facts.num_codes) == ("mine", (16, 16), 32)
    assert load_codec(f"{tmp_path}/mine.safetensors").facts == facts


def test_another_architecture_is_refused_by_its_first_tensor(halves, tmp_path):
    tensors = torch.load(halves[0])
    torch.save(tensors | {"blocks.extra": torch.zeros(1)}, halves[0])
    with pytest.raises(ConversionError, match=r"first encoder\.blocks\.extra"):
        convert(halves, f"{tmp_path}/x.safetensors")
    torch.save({"other": torch.zeros(1)}, halves[0])
    with pytest.raises(ConversionError, match="is no part of a released dVAE"):
        convert(halves, f"{tmp_path}/x.safetensors")


def test_the_checkpoint_to_write_is_never_a_source(halves):
    with pytest.raises(ConversionError, match="is the checkpoint to write"):
        convert(halves[:1], halves[1])


def test_sizes():
    assert [parse_size(size) for size in ("", "64", "64x96")] == [None, (64, 64), (64, 96)]
    for size in ("64x", "x", "64*64", "-8", "1e3"):
        with pytest.raises(ConversionError, match="neither an edge in pixels nor HEIGHTxWIDTH"):
            parse_size(size)


def test_a_size_that_tokens_do_not_cover_is_refused(halves, tmp_path):
    with pytest.raises(ConversionError, match="side is 60 px, must be a multiple of 8"):
        convert(halves, f"{tmp_path}/x.safetensors", "60")
