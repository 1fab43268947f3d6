from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dalle_model.checkpoint import CheckpointError
from dalle_model.prior.trained import CodesOrigin, TrainedPrior, load_prior, save_prior
from dalle_model.progress import ignore_steps
from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.train.beginning import begin_at
from dalle_model.train.data import open_rows
from dalle_model.train.prior import train_from_shards
from tests.support.priors import TINY, random_prior, tiny_tokenizer
from tests.support.token_shards import write_numbered_shards

STEPS = PriorTraining(
    steps=1, batch_size=4, learning_rate=1e-9, matrix_rate=1e-9, precision="float32", workers=0,
    ema_decay=0,
)  # fmt: skip


@pytest.fixture
def start(tmp_path: Path) -> str:
    url = str(tmp_path / "start.safetensors")
    codes = CodesOrigin("ab" * 32, TINY.grid, TINY.image_vocab)
    save_prior(url, TrainedPrior(random_prior(), tiny_tokenizer(), codes, {}))
    return url


def shards(folder: Path, rows: int) -> list[str]:
    return write_numbered_shards(folder, [rows], codec_sha256="ab" * 32)


def test_training_begins_at_the_weights_sizes_and_tokenizer(tmp_path: Path, start: str) -> None:
    torch.set_num_threads(1)
    out = str(tmp_path / "out.safetensors")
    given = replace(TINY, layers=5)  # which the beginning's stand in the place of
    own = shards(tmp_path / "own", 20)
    train_from_shards(
        own,
        tiny_tokenizer(),
        out,
        given,
        STEPS,
        PairChoice(),
        ignore_steps,
        beginning=begin_at(start),
    )
    before, after = load_prior(start), load_prior(out)
    assert after.prior.config == TINY
    for name, weight in before.prior.state_dict().items():
        torch.testing.assert_close(after.prior.state_dict()[name], weight, atol=1e-6, rtol=0)


def test_a_share_of_other_shards_is_trained_on_beside(tmp_path: Path, start: str) -> None:
    own, also = shards(tmp_path / "own", 40), shards(tmp_path / "also", 200)
    alone = open_rows(own, PairChoice(max_images=10))
    begun = begin_at(start, tuple(also), 0.25)
    rows = begun.rows(alone, own)
    numbers = rows.source.numbers
    np.testing.assert_array_equal(numbers[: len(alone.source)], alone.source.numbers)
    others = numbers[len(alone.source) :]
    assert (others >= 40).all()
    assert 20 < len(others) < 80
    assert rows.sha256 != alone.sha256
    everything = begin_at(start, tuple(also)).rows(alone, own)
    assert len(everything.source) == len(alone.source) + 200
    assert begin_at(start).rows(alone, own) is alone


def test_a_prior_of_another_codec_is_refused(tmp_path: Path, start: str) -> None:
    other = write_numbered_shards(tmp_path / "other", [8], codec_sha256="cd" * 32)
    with pytest.raises(CheckpointError, match="codes of another codec"):
        train_from_shards(
            other, tiny_tokenizer(), "unused", TINY, STEPS, PairChoice(), ignore_steps,
            beginning=begin_at(start),
        )  # fmt: skip
