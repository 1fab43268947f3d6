import math

import pytest
import torch

from dalle_model.data.reader import Batch
from dalle_model.settings import PriorTraining
from dalle_model.train.prior_task import PriorObjective, PriorTask
from dalle_model.train.task import parts
from tests.support.priors import TINY, random_stream

FAST = PriorTraining(steps=10, batch_size=4, warmup_steps=5, precision="float32")


def batch(size: int) -> Batch:
    text, image = random_stream(size)
    place = {"row": torch.arange(size), "epoch": torch.zeros(size, dtype=torch.long)}
    keys = [f"{n:040x}" for n in range(size)]
    return {"key": keys, "text": text, "image_tokens": image, "next_position": size, **place}


def test_equal_seeds_give_equal_weights_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    weights = [PriorTask(TINY, FAST).model.embedding.row.weight for _ in range(2)]
    assert torch.equal(weights[0], weights[1])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_loss_is_an_eighth_of_text_and_seven_eighths_of_image_whatever_the_counts() -> None:
    """An untrained prior, whose heads are 0, holds all tokens for equally likely."""
    task, rows = PriorTask(TINY, FAST), batch(4)
    sums, counts, weights = (
        task.objective(*task.inputs(rows, 0)),
        task.counts(rows),
        task.weights(0),
    )
    loss = sum(weights[name] * sums[name].item() / counts[name] for name in sums)
    assert loss == pytest.approx(math.log(300) / 8 + math.log(16) * 7 / 8, rel=1e-5)
    assert counts == {"text_ce": 4 * (TINY.text_len - 1 - 3), "image_ce": 4 * 9}


def test_at_plateaus_of_what_is_held_out_the_rate_is_halved_five_times() -> None:
    settings = PriorTraining(
        steps=110, warmup_steps=10, schedule="plateau", plateau_patience=0, precision="float32"
    )
    task, shares = PriorTask(TINY, settings), []
    for _ in range(8):
        task.measured({"held_out_text_ce": 8.0, "held_out_image_ce": 1.0})
        shares.append(task.rate_share(50))
    assert shares == [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 32, 1 / 32]
    assert task.rate_share(4) == 0.5
    assert isinstance(task.objective, PriorObjective)
    assert task.objective.plateau is not None
    assert task.objective.plateau.plateau.lowest == 8 / 8 + 1 * 7 / 8


def test_the_noise_of_a_row_does_not_depend_on_its_batch_and_falls_to_nothing() -> None:
    task = PriorTask(TINY, PriorTraining(steps=10, token_noise=1.0))
    whole, halves = batch(8), parts(batch(8), 2)
    read = task.inputs(whole, 3)[2]
    assert not torch.equal(read, whole["image_tokens"])
    assert torch.equal(read, torch.cat([task.inputs(half, 3)[2] for half in halves]))
    assert torch.equal(task.inputs(whole, 10)[2], whole["image_tokens"])


def test_what_is_held_out_is_measured_without_noise_over_all_its_tokens() -> None:
    rows = batch(8)
    task = PriorTask(TINY, PriorTraining(token_noise=1.0), lambda: parts(rows, 3))
    sums = task.objective(rows["text"], rows["image_tokens"], rows["image_tokens"])
    found = task.measure(task.model)
    means = {name: sums[name].item() / count for name, count in task.counts(rows).items()}
    loss = means["text_ce"] / 8 + means["image_ce"] * 7 / 8
    assert found == {
        f"held_out_{name}": pytest.approx(value, rel=1e-5)
        for name, value in (means | {"loss": loss}).items()
    }
    assert PriorTask(TINY, FAST).measure(task.model) == {}
