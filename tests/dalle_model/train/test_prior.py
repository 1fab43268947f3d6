import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from dalle_model.prior.trained import load_prior
from dalle_model.sample.sampler import sample
from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.train.data import TrainingDataError
from dalle_model.train.prior import train_from_shards, train_prior
from dalle_model.train.prior_step import TrainingState
from dalle_model.train.resume import SUFFIX
from tests.support.priors import CAPTIONS, TINY, tiny_tokenizer
from tests.support.token_shards import token_row, write_token_shard

TOKENS = np.random.default_rng(0).integers(0, 16, (4, 9)).astype(np.uint16)
FAST = PriorTraining(
    steps=60, batch_size=4, learning_rate=1e-2, warmup_steps=5, weight_decay=0, bpe_dropout=0,
    optimizer="muon", precision="float32", checkpoint_every=7,
)  # fmt: skip


class KilledError(Exception):
    """Simulates a killed process."""


def ignore(done: int, total: int, losses: Mapping[str, float]) -> None:
    """An `OnStep` that does nothing."""


def train(settings: PriorTraining, out_url: str | None = None) -> TrainingState:
    return train_prior(TOKENS, CAPTIONS, tiny_tokenizer(), TINY, settings, ignore, out_url)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_memorises_four_images() -> None:
    seen: list[tuple[int, int]] = []
    state = train_prior(
        TOKENS, CAPTIONS, tiny_tokenizer(), TINY, FAST, lambda n, total, _: seen.append((n, total))
    )
    text = tiny_tokenizer().encode_batch(CAPTIONS, TINY.text_len, TINY.text_vocab)
    drawn = sample(state.prior, torch.from_numpy(text), 1, temperature=0)
    np.testing.assert_array_equal(drawn.numpy(), TOKENS)
    assert state.recent["image_ce"] < 0.3
    assert seen == [(n, 60) for n in range(1, 61)]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_resumed_run_is_bit_exact(optimizer: Literal["adamw", "muon"], tmp_path: Path) -> None:
    settings = replace(
        FAST, steps=12, optimizer=optimizer, bpe_dropout=0.1, token_noise=0.5, checkpoint_every=5
    )
    out_url = str(tmp_path / "prior.safetensors")

    def die(done: int, total: int, losses: Mapping[str, float]) -> None:
        if done == 8:
            raise KilledError

    with pytest.raises(KilledError):
        train_prior(TOKENS, CAPTIONS, tiny_tokenizer(), TINY, settings, die, out_url)
    steps: list[int] = []
    resumed = train_prior(
        TOKENS, CAPTIONS, tiny_tokenizer(), TINY, settings, lambda n, *_: steps.append(n), out_url
    )
    assert steps == list(range(6, 13))
    straight = train(settings)
    assert resumed.recent == straight.recent
    for name, weight in straight.prior.state_dict().items():
        assert torch.equal(weight, resumed.prior.state_dict()[name]), name


def test_state_of_other_settings_is_not_continued(tmp_path: Path) -> None:
    out_url = str(tmp_path / "prior.safetensors")
    train(replace(FAST, steps=7), out_url)
    assert (tmp_path / f"prior.safetensors{SUFFIX}").exists()
    changed = replace(FAST, steps=7, seed=1)
    fresh, continued = train(changed), train(changed, out_url)
    assert fresh.recent == continued.recent


def test_defaults_are_the_papers() -> None:
    paper = PriorTraining()
    assert (paper.steps, paper.batch_size, paper.learning_rate) == (430_000, 1024, 4.5e-4)
    assert paper.learning_rate * paper.final_rate == pytest.approx(1.41e-5, rel=0.01)
    assert (paper.betas, paper.weight_decay, paper.clip_norm) == ((0.9, 0.96), 4.5e-2, 4.0)


def shard(folder: Path) -> str:
    rows = [
        token_row(f"{n:024x}{n:016x}", caption, TOKENS[n].tolist())
        for n, caption in enumerate(CAPTIONS)
    ]
    return write_token_shard(folder / "part-0.parquet", rows)


def test_from_shards_to_a_checkpoint(tmp_path: Path) -> None:
    out_url = str(tmp_path / "prior.safetensors")
    settings = replace(FAST, steps=8)
    metrics = train_from_shards(
        [shard(tmp_path)], tiny_tokenizer(), out_url, TINY, settings, PairChoice(), ignore
    )
    assert (metrics["pairs"], metrics["pairs_left_out"], metrics["captions_cut"]) == (4, 0, 0)
    assert (metrics["steps"], metrics["images"], metrics["skipped_steps"]) == (8, 4, 0)
    assert 0 < metrics["image_ce"] < math.log(16) + 0.5
    trained = load_prior(out_url)
    assert trained.metrics == metrics
    assert (trained.codes.sha256, trained.codes.grid) == ("ab" * 32, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["part-0.parquet", "prior.safetensors"]


def test_what_is_not_trained_on_is_counted_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config, settings = replace(TINY, text_len=7), replace(FAST, steps=1)
    lengths = [len(tiny_tokenizer().encode(caption)) for caption in CAPTIONS]
    num_long = sum(length > 5 for length in lengths[:3])
    assert 0 < num_long < 3
    metrics = train_from_shards(
        [shard(tmp_path)],
        tiny_tokenizer(),
        str(tmp_path / "prior.safetensors"),
        config,
        settings,
        PairChoice(max_images=3),
        ignore,
    )
    assert (metrics["pairs"], metrics["pairs_left_out"]) == (3, 1)
    assert metrics["captions_cut"] == num_long
    assert caplog.messages == [
        f"captions cut: {num_long} of 3 are longer than the 5 tokens that the prior reads; "
        "their ends are left out"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grid": 4}, "grid 4, but the codec of the shards has 3"),
        ({"image_vocab": 8}, "image_vocab 8, but the codec of the shards has 16"),
        ({"text_vocab": 260}, "260 text tokens, but .* 300; lower `bpe.vocab_size` to 260"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(
    change: dict[str, int], message: str, tmp_path: Path
) -> None:
    config = replace(TINY, **change)
    with pytest.raises(TrainingDataError, match=message):
        train_from_shards(
            [shard(tmp_path)], tiny_tokenizer(), "unused", config, FAST, PairChoice(), ignore
        )
