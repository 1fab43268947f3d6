from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dalle_model.mini.settings import MiniDrawing, MiniTraining
from dalle_model.mini.trained import load_mini
from dalle_model.progress import ignore_steps
from dalle_model.sample.mini import generate_codes
from dalle_model.sample.sampler import draw_uniforms
from dalle_model.settings import PairChoice
from dalle_model.train.data import TrainingDataError, open_rows
from dalle_model.train.mini import train_mini, train_mini_from_shards
from tests.support.minis import TINY
from tests.support.priors import CAPTIONS, tiny_tokenizer
from tests.support.token_shards import numbered_key, token_row, write_token_shard

TOKENS = np.random.default_rng(0).integers(0, 16, (4, 9))
FAST = MiniTraining(
    steps=60, batch_size=4, learning_rate=1e-2, warmup_steps=5, final_rate=0.1, optimizer="muon",
    caption_dropout=0.2, precision="float32", workers=0, threads=1,
)  # fmt: skip


class KilledError(Exception):
    """Simulates a killed process."""


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def shard(tmp_path: Path) -> str:
    rows = [
        token_row(numbered_key(n), caption, TOKENS[n].tolist())
        for n, caption in enumerate(CAPTIONS)
    ]
    return write_token_shard(tmp_path / "part-0.parquet", rows)


def test_memorises_four_images_which_guidance_draws(shard, tmp_path):
    url, told = str(tmp_path / "mini.safetensors"), []
    metrics = train_mini_from_shards(
        [shard], tiny_tokenizer(), url, TINY, FAST, PairChoice(),
        lambda done, *_: told.append(done),
    )  # fmt: skip
    assert told == list(range(1, 61))
    assert (metrics["pairs"], metrics["images"], metrics["captions_cut"]) == (4, 4, 0)
    trained = load_mini(url)
    assert trained.metrics["image_ce"] == metrics["image_ce"] < 1.5  # a fifth have no caption
    read = torch.from_numpy(trained.tokenizer.encode_batch(["", *CAPTIONS], 10, 300))
    uniforms = draw_uniforms(read[1:], range(1), 9, 0)
    drawing = MiniDrawing(temperature=0, cond_scale=2.0)
    drawn = generate_codes(trained.model, read[1:], read[0], uniforms, drawing)
    np.testing.assert_array_equal(drawn.numpy(), TOKENS)


def test_a_resumed_run_is_bit_exact(shard, tmp_path):
    """Batches of 3 of 4 rows: it stops within an epoch."""
    settings = replace(
        FAST, steps=12, batch_size=3, bpe_dropout=0.1, token_noise=0.5, checkpoint_every=5,
        ema_decay=0.9,
    )  # fmt: skip
    rows = open_rows([shard], PairChoice())
    given = (rows, tiny_tokenizer(), TINY, settings)
    url, steps = str(tmp_path / "mini.safetensors"), []

    def die(done: int, *_: object) -> None:
        if done == 8:
            raise KilledError

    with pytest.raises(KilledError):
        train_mini(*given, die, url)
    resumed = train_mini(*given, lambda done, *_: steps.append(done), url)
    straight = train_mini(*given, ignore_steps)
    assert steps == list(range(6, 13))
    assert (resumed.recent, resumed.position) == (straight.recent, 36)
    for name, weight in resumed.weights.state_dict().items():
        assert torch.equal(weight, straight.weights.state_dict()[name])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"grid": 4}, "for grid 4, but the codec of the shards has 3; set `mini.model.grid`"),
        ({"image_vocab": 32, "num_codes": 32, "start": 32}, "`mini.model.image_vocab` to 16"),
        ({"text_vocab": 201, "text_pad": 200}, "room for 200 text tokens"),
    ],
)
def test_sizes_that_are_not_those_of_the_shards_are_refused_by_name(shard, tmp_path, change, said):
    with pytest.raises(TrainingDataError, match=said):
        train_mini_from_shards(
            [shard], tiny_tokenizer(), str(tmp_path / "x"), replace(TINY, **change), FAST,
            PairChoice(), ignore_steps,
        )  # fmt: skip


def test_where_nothing_is_held_out_there_are_no_plateaus(shard, tmp_path):
    settings = replace(FAST, schedule="plateau", measure_every=1)
    with pytest.raises(TrainingDataError, match=r"set `mini\.pairs\.held_out`"):
        train_mini_from_shards(
            [shard], tiny_tokenizer(), str(tmp_path / "x"), TINY, settings, PairChoice(),
            ignore_steps,
        )  # fmt: skip
