"""A line for each step: of a run that was stopped and went on as of one that never was."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from dalle_model.progress import ignore_steps
from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.train.prior import train_from_shards
from dalle_model.train.recorder import CURVE_POINTS, FILE, TIMINGS, curves, cut_off, read_lines
from dalle_model.train.watch import Logs
from tests.support.priors import TINY, tiny_tokenizer
from tests.support.token_shards import pair_rows, write_token_shard

SETTINGS = PriorTraining(
    steps=12, batch_size=4, learning_rate=1e-2, warmup_steps=5, precision="float32", workers=0,
    checkpoint_every=5, measure_every=4, optimizer="muon", token_noise=0.5, ema_decay=0.9,
)  # fmt: skip
CHOICE = PairChoice(held_out=0.3)


class KilledError(Exception):
    """Simulates a killed process."""


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("shards")
    return [write_token_shard(folder / "part-0.parquet", pair_rows(24))]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def train(
    shards: list[str], folder: Path, settings: PriorTraining = SETTINGS, dies_at: int = 0
) -> list[dict[str, Any]]:
    """Train into a folder, or die after a step; the lines that are there then."""

    def on_step(done: int, _total: int, _metrics: Mapping[str, float]) -> None:
        if done == dies_at:
            raise KilledError

    out_url, logs = f"{folder}/prior.safetensors", Logs(f"{folder}/logs")
    arguments = (shards, tiny_tokenizer(), out_url, TINY, settings, CHOICE, on_step, logs)
    if dies_at:
        with pytest.raises(KilledError):
            train_from_shards(*arguments)
    else:
        train_from_shards(*arguments)
    return read_lines(f"{folder}/logs/{FILE}")


def untimed(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: v for name, v in line.items() if name not in TIMINGS} for line in lines]


def test_a_line_has_what_its_step_was(shards, tmp_path):
    lines = train(shards, tmp_path)
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert [line["rows"] for line in lines] == list(range(4, 49, 4))
    first = lines[0]
    assert first["loss"] == pytest.approx(first["text_ce"] / 8 + first["image_ce"] * 7 / 8)
    assert (first["learning_rate"], first["matrix_rate"]) == (1e-2 / 5, 0.02 / 5)
    assert first["gradient_norm"] > 0
    measured = [line["step"] for line in lines if "held_out_image_ce" in line]
    assert measured == [4, 8, 12]
    for line in lines:
        assert line["tokens_per_s"] == pytest.approx(4 * 19 / line["seconds"])
        assert "mfu" not in line  # the peak of this processor is not known


@pytest.mark.parametrize("dies_at", [3, 8, 11])
def test_a_run_that_goes_on_ends_with_the_lines_of_one_that_was_never_stopped(
    shards, tmp_path, dies_at
):
    straight = train(shards, tmp_path / "straight")
    before = train(shards, tmp_path / "stopped", dies_at=dies_at)
    assert before[-1]["step"] == dies_at
    with (tmp_path / "stopped" / "logs" / FILE).open("ab") as stream:
        stream.write(b'{"step": 99, "lo')  # a process that was killed while it wrote
    resumed = train(shards, tmp_path / "stopped")
    assert untimed(resumed) == untimed(straight)


def test_a_run_that_begins_anew_leaves_no_line_of_the_one_before(shards, tmp_path):
    train(shards, tmp_path, dies_at=11)
    other = replace(SETTINGS, seed=1)
    assert untimed(train(shards, tmp_path, other)) == untimed(
        train(shards, tmp_path / "alone", other)
    )


def test_fewer_lines_have_the_same_figures_and_the_measured_steps(shards, tmp_path):
    every = untimed(train(shards, tmp_path / "every"))
    some = train(shards, tmp_path / "some", replace(SETTINGS, record_every=5))
    assert [line["step"] for line in some] == [4, 5, 8, 10, 12]
    by_step = {line["step"]: line for line in every}
    assert untimed(some) == [by_step[line["step"]] for line in some]


def test_what_is_recorded_changes_no_weight(shards, tmp_path):
    train(shards, tmp_path / "seen")
    out_url = f"{tmp_path}/unseen.safetensors"
    train_from_shards(shards, tiny_tokenizer(), out_url, TINY, SETTINGS, CHOICE, ignore_steps)
    assert (tmp_path / "seen" / "prior.safetensors").read_bytes() == Path(out_url).read_bytes()


def test_lines_in_a_store_are_written_with_the_checkpoints(tmp_path, shards):
    url = f"memory://{tmp_path.name}"
    out_url = f"{tmp_path}/prior.safetensors"
    train_from_shards(
        shards, tiny_tokenizer(), out_url, TINY, SETTINGS, CHOICE, ignore_steps, Logs(url)
    )
    assert [line["step"] for line in read_lines(f"{url}/{FILE}")] == list(range(1, 13))


def test_lines_are_cut_off_at_a_step(tmp_path):
    path = tmp_path / FILE
    path.write_text("".join(json.dumps({"step": step}) + "\n" for step in (2, 4, 6)))
    cut_off(str(path), 4)
    assert read_lines(str(path)) == [{"step": 2}]
    cut_off(str(tmp_path / "none"), 4)
    assert read_lines(str(tmp_path / "none")) == []


@pytest.mark.parametrize("steps", [0, 1, CURVE_POINTS, 3 * CURVE_POINTS + 1])
def test_curves_are_means_of_all_lines_without_timings(steps):
    lines = [{"step": n, "rows": 4 * n, "loss": float(n), "mfu": 0.5} for n in range(1, steps + 1)]
    if lines:
        lines[-1]["held_out_loss"] = 7.0
    found = curves(lines)
    assert len(found) <= CURVE_POINTS
    if not lines:
        return
    assert (found[-1]["step"], found[-1]["rows"]) == (steps, 4 * steps)
    assert found[-1]["held_out_loss"] == 7.0
    assert not any("mfu" in point for point in found)
    size = found[0]["step"]
    assert found[0]["loss"] == pytest.approx((1 + size) / 2)
