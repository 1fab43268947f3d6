import math
import random
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from signal import SIGKILL
from typing import Literal

import numpy as np
import pytest
import torch

from dalle_model import files
from dalle_model.checkpoint import CheckpointError
from dalle_model.prior.trained import load_prior
from dalle_model.progress import OnStep, ignore_steps
from dalle_model.sample.sampler import sample
from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.train.checkpoint_folders import SUFFIX
from dalle_model.train.data import TrainingDataError, TrainingRows, open_rows
from dalle_model.train.prior import train_from_shards, train_prior, trained_prior
from dalle_model.train.prior_task import PriorTask
from dalle_model.train.state import RunState
from dalle_model.train.step import DivergedError
from tests.support.killed_training import ended
from tests.support.priors import CAPTIONS, TINY, tiny_tokenizer
from tests.support.token_shards import token_row, write_numbered_shards, write_token_shard

TOKENS = np.random.default_rng(0).integers(0, 16, (4, 9)).astype(np.uint16)
FAST = PriorTraining(
    steps=60, batch_size=4, learning_rate=1e-2, warmup_steps=5, weight_decay=0, bpe_dropout=0,
    optimizer="muon", precision="float32", checkpoint_every=7, workers=0, ema_decay=0,
)  # fmt: skip


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Warnings of this program; torch logs each of its calls."""
    return [r.getMessage() for r in caplog.records if r.name.startswith("dalle_model")]


class KilledError(Exception):
    """Simulates a killed process."""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> TrainingRows:
    return open_rows([shard(tmp_path_factory.mktemp("rows"))], PairChoice())


def train(
    rows: TrainingRows,
    settings: PriorTraining,
    out_url: str | None = None,
    on_step: OnStep = ignore_steps,
    held_out: TrainingRows | None = None,
) -> RunState:
    rows = replace(rows, held_out=None if held_out is None else held_out.source)
    return train_prior(rows, tiny_tokenizer(), TINY, settings, on_step, out_url)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_memorises_four_images(rows: TrainingRows) -> None:
    seen: list[tuple[int, int]] = []
    state = train(rows, FAST, on_step=lambda done, total, _: seen.append((done, total)))
    text = tiny_tokenizer().encode_batch(CAPTIONS, TINY.text_len, TINY.text_vocab)
    drawn = sample(trained_prior(state), torch.from_numpy(text), 1, temperature=0)
    np.testing.assert_array_equal(drawn.numpy(), TOKENS)
    assert state.recent["image_ce"] < 0.3
    assert seen == [(n, 60) for n in range(1, 61)]


def stopped(
    rows: TrainingRows,
    settings: PriorTraining,
    out_url: str,
    after: int,
    held_out: TrainingRows | None = None,
) -> None:
    """Train so many steps, and die."""

    def die(done: int, total: int, losses: Mapping[str, float]) -> None:
        if done == after:
            raise KilledError

    with pytest.raises(KilledError):
        train(rows, settings, out_url, die, held_out)


def same_weights(one: RunState, other: RunState) -> bool:
    others = other.task.model.state_dict()
    return all(torch.equal(w, others[name]) for name, w in one.task.model.state_dict().items())


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_resumed_run_is_bit_exact(
    rows: TrainingRows, optimizer: Literal["adamw", "muon"], tmp_path: Path
) -> None:
    """Batches of 3 of 4 rows: it stops within an epoch."""
    settings = replace(
        FAST, steps=12, batch_size=3, optimizer=optimizer, bpe_dropout=0.1, token_noise=0.5,
        checkpoint_every=5,
    )  # fmt: skip
    out_url = str(tmp_path / "prior.safetensors")
    stopped(rows, settings, out_url, after=8)
    steps: list[int] = []
    resumed = train(rows, settings, out_url, lambda done, *_: steps.append(done))
    assert steps == list(range(6, 13))
    straight = train(rows, settings)
    assert (resumed.recent, resumed.position) == (straight.recent, 36)
    assert same_weights(resumed, straight)


def test_a_run_with_the_paper_s_numbers_and_schedule_is_resumed_bit_for_bit(
    rows: TrainingRows, tmp_path: Path
) -> None:
    """Half precision with its scales, moments of 16 bits, and halvings at plateaus."""
    settings = replace(
        FAST, steps=12, optimizer="adamw", precision="float16", second_moment_max=5.0,
        moment_bits=16, schedule="plateau", plateau_patience=0, plateau_threshold=0.5,
        measure_every=2, checkpoint_every=5,
    )  # fmt: skip
    out_url = str(tmp_path / "prior.safetensors")
    stopped(rows, settings, out_url, after=8, held_out=rows)
    steps: list[int] = []
    resumed = train(rows, settings, out_url, lambda done, *_: steps.append(done), rows)
    straight = train(rows, settings, held_out=rows)
    assert steps == list(range(6, 13))
    assert resumed.recent == straight.recent
    assert same_weights(resumed, straight)
    kept, expected = resumed.task.objective.state_dict(), straight.task.objective.state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in expected.items())
    assert kept["scaling.thousandths"].unique().tolist() == [13_012]
    assert kept["plateau.remembered"].tolist()[2] >= 3


def test_where_nothing_is_held_out_there_are_no_plateaus(tmp_path: Path) -> None:
    settings = replace(FAST, schedule="plateau", measure_every=1)
    with pytest.raises(TrainingDataError, match=r"set `prior\.pairs\.held_out`"):
        train_from_shards(
            [shard(tmp_path)], tiny_tokenizer(), str(tmp_path / "prior"), TINY, settings,
            PairChoice(), ignore_steps,
        )  # fmt: skip


def test_a_run_that_ends_without_updates_has_failed(
    rows: TrainingRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PriorTask, "unscale", lambda _: ["the MLP of block 1"])
    with pytest.raises(DivergedError, match="the last 3 of 3 steps had no update"):
        train(rows, replace(FAST, steps=3))


def test_workers_change_no_weight(rows: TrainingRows) -> None:
    settings = replace(FAST, steps=3, bpe_dropout=0.3)
    assert same_weights(train(rows, settings), train(rows, replace(settings, workers=1)))


def test_state_of_other_settings_is_not_continued_and_the_log_says_so(
    rows: TrainingRows, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out_url = str(tmp_path / "prior.safetensors")
    train(rows, replace(FAST, steps=7), out_url)
    (old,) = (tmp_path / f"prior.safetensors{SUFFIX}").iterdir()
    changed = replace(FAST, steps=7, seed=1, clip_norm=3.0)
    fresh, continued = train(rows, changed), train(rows, changed, out_url)
    assert fresh.recent == continued.recent
    assert said(caplog) == [
        f"training begins anew: {old} is a run of 7 steps with other values of clip_norm, seed; it "
        "stays there, and goes on where these are given back"
    ]


def test_what_decides_no_weight_may_change_in_a_run(
    rows: TrainingRows, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out_url = str(tmp_path / "prior.safetensors")
    settings = replace(FAST, steps=8, checkpoint_every=3)
    stopped(rows, settings, out_url, after=4)
    seen: list[int] = []
    other = replace(settings, checkpoint_every=5, workers=1)
    resumed = train(rows, other, out_url, lambda done, *_: seen.append(done))
    assert seen == [4, 5, 6, 7, 8]
    assert same_weights(resumed, train(rows, settings))
    assert said(caplog) == []


def test_a_run_of_other_steps_or_threads_goes_on_where_it_was(
    rows: TrainingRows, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out_url = str(tmp_path / "prior.safetensors")
    settings = replace(FAST, steps=8, checkpoint_every=3)
    stopped(rows, settings, out_url, after=4)
    seen: list[int] = []
    longer = replace(settings, steps=10, threads=2)
    train(rows, longer, out_url, lambda done, *_: seen.append(done))
    assert seen == list(range(4, 11))
    assert [message[:58] for message in said(caplog)] == [
        "training goes on from step 3 with steps 10, before 8: the ",
        "training goes on from step 3 with threads 2, before None: ",
    ]


def test_a_state_beyond_the_last_step_is_kept(rows: TrainingRows, tmp_path: Path) -> None:
    out_url = str(tmp_path / "prior.safetensors")
    train(rows, replace(FAST, steps=7), out_url)
    saved = tmp_path / f"prior.safetensors{SUFFIX}"
    before = {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    with pytest.raises(CheckpointError, match=r"has taken 7 steps, .* is 5: give at least 7"):
        train(rows, replace(FAST, steps=5), out_url)
    assert {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()} == before


def test_a_checkpoint_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """All keys in its header made one of 2.2 million rows unreadable."""
    urls = write_numbered_shards(tmp_path / "shards", [600], codec_sha256="ab" * 32)
    out_url, fewer, sizes = tmp_path / "prior.safetensors", PairChoice(max_images=300), []
    for choice in (PairChoice(), fewer):
        train_from_shards(
            urls, tiny_tokenizer(), str(out_url), TINY, replace(FAST, steps=1), choice, ignore_steps
        )
        sizes.append(out_url.stat().st_size)
    assert abs(sizes[0] - sizes[1]) < 100
    assert load_prior(str(out_url)).metrics["choice"] == asdict(fewer)


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
        [shard(tmp_path)], tiny_tokenizer(), out_url, TINY, settings, PairChoice(), ignore_steps
    )
    assert (metrics["pairs"], metrics["pairs_left_out"], metrics["captions_cut"]) == (4, 0, 0)
    assert (metrics["steps"], metrics["images"]) == (8, 4)
    assert 0 < metrics["image_ce"] < math.log(16) + 0.5
    trained = load_prior(out_url)
    assert trained.metrics == metrics
    assert (trained.codes.sha256, trained.codes.grid) == ("ab" * 32, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["part-0.parquet", "prior.safetensors"]


@pytest.mark.slow
def test_killed_again_and_again_it_ends_as_the_undisturbed_run(tmp_path: Path) -> None:
    """After steps, and before operations on files: in saves, in what follows them, in loads."""
    settings = replace(
        FAST, steps=80, bpe_dropout=0.1, token_noise=0.5, checkpoint_every=2, threads=1,
    )  # fmt: skip
    undisturbed = replace(settings, checkpoint_every=1000)
    url, draw = shard(tmp_path), random.Random(15)
    killed, whole = (tmp_path / name / "prior.safetensors" for name in ("killed", "whole"))
    for life in range(20):
        death = (draw.randint(1, 3), 0) if life % 2 else (0, draw.randint(1, 50))
        assert ended(url, str(killed), settings, *death) == -SIGKILL, death
    assert not killed.exists()
    (run,) = (killed.parent / f"prior.safetensors{SUFFIX}").iterdir()
    assert any(path.name.startswith("step-") for path in run.iterdir())
    for out in (killed, whole):
        assert ended(url, str(out), undisturbed) == 0
    assert files.sha256_of(str(killed)) == files.sha256_of(str(whole))
    assert [path.name for path in killed.parent.iterdir()] == ["prior.safetensors"]


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
        ignore_steps,
    )
    assert (metrics["pairs"], metrics["pairs_left_out"]) == (3, 1)
    assert metrics["captions_cut"] == num_long
    assert said(caplog) == [
        f"captions cut: {num_long} of 3 are longer than the 5 tokens that the model reads; "
        "their ends are left out"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grid": 4}, "grid 4, but the codec of the shards has 3"),
        ({"image_vocab": 8}, "image_vocab 8, but the codec of the shards has 16"),
        ({"text_vocab": 260}, "260 text tokens, but .* 300; set `prior.model.text_vocab` to 300"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(
    change: dict[str, int], message: str, tmp_path: Path
) -> None:
    config = replace(TINY, **change)
    with pytest.raises(TrainingDataError, match=message):
        train_from_shards(
            [shard(tmp_path)], tiny_tokenizer(), "unused", config, FAST, PairChoice(), ignore_steps
        )
