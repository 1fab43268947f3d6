from pathlib import Path

import pytest

from dalle_model.__main__ import main
from dalle_model.mini.trained import load_mini
from tests.support.token_shards import write_numbered_shards

SMALL = [
    *("model.width=16", "model.encoder_layers=1", "model.decoder_layers=1", "model.heads=1"),
    *("model.ffn=16", "training.batch_size=4", "training.precision=float32"),
    *("training.device=cpu", "training.steps=2"),
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_numbered_shards(tmp_path / "encode", [30])
    (tmp_path / "dalle.yaml").write_text("bpe: {vocab_size: 300}\nmini: {training: {seed: 7}}\n")
    return tmp_path


def train(run: Path, *settings: str) -> int:
    given = [word for setting in (*SMALL, *settings) for word in ("--set", setting)]
    return main(["train", "mini", "--dir", str(run), "--config", str(run / "dalle.yaml"), *given])


def test_a_mini_is_made_of_the_shards_of_a_run(run, capsys):
    assert train(run, "mini.training.seed=8") == 0
    said, told = capsys.readouterr()
    trained = load_mini(str(run / "mini.safetensors"))
    assert f"{trained.metrics['parameters']:,} parameters, 2 steps, image_ce" in said
    assert told.startswith("step 1 of 2: loss")
    config = trained.model.config
    assert (config.num_codes, config.start, config.grid) == (16, 16, 3)
    assert config.text_pad == trained.tokenizer.size
    assert trained.metrics["settings"]["seed"] == 8
    assert trained.tokenizer.content == (run / "bpe.json").read_bytes()


def test_what_is_wrong_is_told_by_its_name(run, capsys):
    assert train(run, "training.caption_dropout=2") == 2
    assert "caption_dropout must be in [0, 1)" in capsys.readouterr().err
    assert train(run, "model.grid=4") == 1
    assert "set `mini.model.grid` to 3" in capsys.readouterr().err
