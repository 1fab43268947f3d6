from dataclasses import replace

import pytest
import torch
from torch import nn

from dalle_model.settings import PriorTraining
from dalle_model.train.prior_task import PriorTask
from dalle_model.train.recomputing import RecomputeError, blocks_of, recompute_blocks
from dalle_model.train.state import begin
from dalle_model.train.step import train_step
from tests.dalle_model.train.test_prior_task import batch
from tests.support.priors import TINY

SETTINGS = PriorTraining(
    batch_size=4, learning_rate=1e-2, warmup_steps=1, precision="float32", ema_decay=0.5
)


def test_blocks_are_computed_again_and_the_weights_are_the_same_bit_for_bit() -> None:
    again = replace(SETTINGS, recompute=True)
    plain, recomputing = (begin(PriorTask(TINY, s), s) for s in (SETTINGS, again))
    calls: list[int] = []
    last = recomputing.task.model.get_submodule("blocks.2.mlp")
    last.register_forward_pre_hook(lambda *_: calls.append(1))
    train_step(plain, SETTINGS, batch(4))
    train_step(recomputing, again, batch(4))
    assert len(calls) == 2
    weights = (state.weights.parameters() for state in (plain, recomputing))
    assert all(torch.equal(*pair) for pair in zip(*weights, strict=True))


def test_a_model_without_blocks_is_refused() -> None:
    with pytest.raises(RecomputeError, match="set `recompute` to false"):
        recompute_blocks(nn.Linear(1, 1))


def test_the_blocks_of_a_prior_are_its_layers() -> None:
    model = PriorTask(TINY, SETTINGS).model
    assert blocks_of(model) == list(model.blocks)
