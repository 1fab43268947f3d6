import dataclasses

import pytest
import torch

from dalle_model.checkpoint import CheckpointError, save_checkpoint
from dalle_model.mini.config import MiniConfig
from dalle_model.mini.model import Mini
from dalle_model.mini.text import MiniTokenizer
from dalle_model.mini.trained import TrainedMini, load_mini, save_mini
from dalle_model.prior.trained import CodesOrigin
from dalle_model.vocab import train_bpe

CONFIG = MiniConfig(
    text_vocab=301,
    text_len=8,
    text_pad=300,
    image_vocab=18,
    num_codes=16,
    start=16,
    grid=2,
    width=8,
    encoder_layers=1,
    decoder_layers=2,
    heads=2,
    ffn=12,
)


def _trained() -> TrainedMini:
    tokenizer = MiniTokenizer(train_bpe(["a red dog"], 280), normalises=True)
    codes = CodesOrigin("c0dec", CONFIG.grid, CONFIG.num_codes)
    return TrainedMini(Mini(CONFIG), tokenizer, codes, {"loss": 1.5})


def test_what_is_saved_is_loaded(tmp_path):
    saved = _trained()
    save_mini(f"{tmp_path}/mini.safetensors", saved)
    loaded = load_mini(f"{tmp_path}/mini.safetensors")
    assert loaded.model.config == CONFIG
    assert not loaded.model.training
    for name, tensor in saved.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor), name
    assert loaded.tokenizer.content == saved.tokenizer.content
    assert loaded.tokenizer.normalises
    assert (loaded.codes, loaded.metrics) == (saved.codes, saved.metrics)


def test_half_precision_takes_half_and_loads_as_float32(tmp_path):
    save_mini(f"{tmp_path}/mini.safetensors", _trained(), torch.bfloat16)
    loaded = load_mini(f"{tmp_path}/mini.safetensors")
    assert {weight.dtype for weight in loaded.model.parameters()} == {torch.float32}


@pytest.mark.parametrize("change", [{"width": 16}, {"heads": 3}, {"norms": "other"}])
def test_another_architecture_is_refused(tmp_path, change):
    trained, url = _trained(), f"{tmp_path}/mini.safetensors"
    extra = {"tokenizer": trained.tokenizer.content.decode(), "normalises": True}
    tensors, config = trained.model.state_dict(), dataclasses.asdict(CONFIG) | change
    save_checkpoint(url, "mini", tensors, config, extra)
    with pytest.raises(CheckpointError, match="another"):
        load_mini(url)
