import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from dalle_model.train.code_use import CODES_USED, PERPLEXITY, CodeUse, CodeWatch
from dalle_model.train.parallel import Alone
from dalle_model.train.place import ALONE


@dataclass
class Run:
    """A training that is looked at."""

    step: int = 0
    recent: dict[str, float] = field(default_factory=dict)
    parallel: Alone = field(default_factory=lambda: Alone(torch.nn.Identity(), ALONE))


def follow(batches, from_step=0):
    use, run = CodeUse(64), Run()
    watch: Callable[[Any], None] = CodeWatch(use, from_step, judge)
    for codes in batches:
        use.note(codes)
        run.step += 1
        watch(run)
    return run


def even(steps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randint(64, (8, 8, 8), generator=generator) for _ in range(steps))


def collapsed(steps):
    return (torch.full((8, 8, 8), 5) for _ in range(steps))


def judge(figures, is_few):
    return f"one is all at {figures[PERPLEXITY]:.0f}" if is_few else ""


def test_figures_are_of_the_codes_of_the_last_steps():
    assert follow(collapsed(3)).recent == {CODES_USED: 1, PERPLEXITY: pytest.approx(1)}
    found = follow(even(3)).recent
    assert found[CODES_USED] == 64
    assert 60 < found[PERPLEXITY] <= 64
    half = follow(torch.arange(32) for _ in range(2)).recent
    assert half == {CODES_USED: 32, PERPLEXITY: pytest.approx(32)}
    turned = follow([*collapsed(100), *even(300)]).recent
    assert turned[CODES_USED] == 64


def test_the_parts_of_a_batch_count_as_one():
    use = CodeUse(4)
    for code in (0, 1):
        use.note(torch.full((2, 2), code))
    assert use.end_step()[PERPLEXITY] == pytest.approx(2)


def test_a_restored_state_goes_on_as_the_one_that_was_saved():
    first, second = CodeUse(64), CodeUse(64)
    batches = list(even(6))
    for codes in batches[:3]:
        first.note(codes)
        first.end_step()
    second.load_state_dict(first.state_dict())
    for use in (first, second):
        use.note(batches[3])
    assert first.end_step() == second.end_step()


def test_a_collapse_is_told_once_with_what_to_change(caplog):
    with caplog.at_level(logging.WARNING):
        follow(collapsed(400))
    (record,) = caplog.records
    assert record.getMessage() == (
        "the codec has collapsed: after 200 steps 1 of its 64 codes are in use (perplexity 1.0), "
        "and one is all at 1; then train again"
    )


def test_nothing_is_said_before_the_weights_are_what_they_will_be(caplog):
    with caplog.at_level(logging.WARNING):
        follow(collapsed(399), 400)
    assert not caplog.records


def test_a_healthy_run_is_told_nothing(caplog):
    with caplog.at_level(logging.WARNING):
        follow(even(300))
    assert not caplog.records


def test_entropy_is_that_of_the_shares():
    shares = torch.tensor([0.5, 0.25, 0.125, 0.125])
    use = CodeUse(4)
    use.note(torch.tensor([0, 0, 0, 0, 1, 1, 2, 3]))
    expected = math.exp(float(-(shares * shares.log()).sum()))
    assert use.end_step()[PERPLEXITY] == pytest.approx(expected)
