import math

import pytest
import torch

from dalle_model.mini.settings import MiniTraining
from dalle_model.train.mini_task import MiniTask
from dalle_model.train.task import parts
from tests.dalle_model.train.test_prior_task import batch
from tests.support.minis import TINY

FAST = MiniTraining(steps=10, batch_size=4, warmup_steps=5, precision="float32")


def test_the_loss_is_the_cross_entropy_of_image_tokens_alone():
    task, rows = MiniTask(TINY, FAST), batch(4)
    with torch.no_grad():
        task.model.head.weight.zero_()  # all ids, the start among them, are equally likely
    sums = task.objective(*task.inputs(rows, 0))
    assert {n: v.item() for n, v in sums.items()} == {
        "image_ce": pytest.approx(4 * 9 * math.log(17), rel=1e-6)
    }
    assert task.counts(rows) == {"image_ce": 36}
    assert task.weights(0) == {"image_ce": 1.0}


def test_equal_seeds_give_equal_weights_and_leave_the_global_generator_alone():
    before = torch.random.get_rng_state()
    one, other = (MiniTask(TINY, FAST).model.state_dict() for _ in range(2))
    assert all(torch.equal(weight, other[name]) for name, weight in one.items())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_rate_of_the_defaults_stays_constant_after_the_warm_up():
    settings = MiniTraining(steps=100, warmup_steps=4)
    task = MiniTask(TINY, settings)
    assert [task.rate_share(step) for step in (0, 3, 4, 50, 99)] == [0.25, 1, 1, 1, 1]


def test_what_is_held_out_is_measured_over_all_its_tokens():
    rows = batch(8)
    task = MiniTask(TINY, FAST, lambda: parts(rows, 3))
    image = rows["image_tokens"]
    mean = task.objective(rows["text"], image, image)["image_ce"].item() / 72
    found = task.measure(task.model)
    assert found["held_out_loss"] == found["held_out_image_ce"] == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize(
    "wrong", [{"precision": "float16"}, {"grid_every": 5}, {"parallel": "fsdp"}]
)
def test_what_a_mini_does_not_have_is_refused(wrong):
    with pytest.raises(ValueError, match="is for priors"):
        MiniTraining(**wrong)
