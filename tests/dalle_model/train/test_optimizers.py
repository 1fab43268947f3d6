import math

import pytest
import torch
from torch.optim import AdamW

from dalle_model.train.adam import PaperAdamW
from dalle_model.train.muon import Muon
from dalle_model.train.optimizers import (
    Adam,
    muon_and_adamw,
    named_state,
    set_learning_rate,
)
from tests.support.priors import random_prior

PLAIN = Adam(1e-2, (0.9, 0.96))
PAPER = Adam(1e-2, (0.9, 0.96), second_moment_max=5.0, moment_bits=16)


def optimizers(prior, name="adamw", adam=PLAIN):
    return muon_and_adamw(prior, name, adam, 0.02, 0.1, torch.float32)


def step(prior, all_of_them) -> None:
    for number, weight in enumerate(prior.parameters()):
        draw = torch.Generator().manual_seed(number)
        weight.grad = torch.randn(weight.shape, generator=draw)
    for optimizer in all_of_them:
        optimizer.step()


@pytest.mark.parametrize(
    ("name", "adam", "kinds"),
    [
        ("adamw", PLAIN, [AdamW]),
        ("adamw", PAPER, [PaperAdamW]),
        ("adamw", PLAIN._replace(second_moment_max=5.0), [PaperAdamW]),
        ("muon", PLAIN, [AdamW, Muon]),
    ],
)
def test_torch_s_adamw_runs_where_it_can_and_each_weight_has_one_optimizer(name, adam, kinds):
    prior = random_prior()
    found = optimizers(prior, name, adam)
    assert [type(optimizer) for optimizer in found] == kinds
    trained = [w for o in found for group in o.param_groups for w in group["params"]]
    assert {id(w) for w in trained} == {id(w) for w in prior.parameters()}
    assert len(trained) == len(list(prior.parameters()))


@pytest.mark.parametrize(("adam", "small"), [(PLAIN, set()), (PAPER, {torch.int16})])
def test_only_matrices_of_blocks_have_small_moments_and_only_matrices_decay(adam, small):
    prior = random_prior()
    (optimizer,) = optimizers(prior, adam=adam)
    step(prior, [optimizer])
    decay = {id(w): g["weight_decay"] for g in optimizer.param_groups for w in g["params"]}
    for name, weight in prior.named_parameters():
        is_in_block = name.startswith("blocks") and weight.ndim == 2
        dtypes = {optimizer.state[weight][n].dtype for n in ("exp_avg", "exp_avg_sq")}
        assert dtypes == ((small or {torch.float32}) if is_in_block else {torch.float32}), name
        assert decay[id(weight)] == (0.1 if weight.ndim >= 2 else 0), name


@pytest.mark.parametrize("adam", [PLAIN, PAPER])
def test_saved_moments_go_on_bit_for_bit(adam) -> None:
    one, other = random_prior(), random_prior()
    first = optimizers(one, adam=adam)
    step(one, first)
    saved = {name: tensor.clone() for name, tensor in named_state(one, first).items()}
    other.load_state_dict(one.state_dict())
    second = optimizers(other, adam=adam)
    for name, tensor in named_state(other, second).items():
        assert not tensor.any()  # as before the first step
        tensor.copy_(saved[name])
    step(one, first)
    step(other, second)
    for name, weight in one.named_parameters():
        assert torch.equal(weight, other.get_parameter(name)), name


def test_rates_are_shares_of_their_peaks() -> None:
    found = optimizers(random_prior(), "muon")
    set_learning_rate(found, 0.5)
    assert [group["lr"] for o in found for group in o.param_groups] == [5e-3, 5e-3, 0.01]
    assert PLAIN.second_moment_max == math.inf
