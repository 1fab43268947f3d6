import math

import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from dalle_model.train.plateau import Plateau, PlateauRate


def test_rates_fall_when_torch_s_do_and_five_times_at_most() -> None:
    draw = torch.Generator().manual_seed(0)
    falling = 2 + 3 * torch.exp(-torch.arange(300) / 30) + 0.02 * torch.rand(300, generator=draw)
    rate = PlateauRate(patience=4, threshold=1e-3, most=5)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = ReduceLROnPlateau(optimizer, factor=0.5, patience=4, threshold=1e-3, min_lr=1 / 32)
    shares = []
    for loss in falling.tolist():
        rate.measured(loss)
        theirs.step(loss)
        shares.append(rate.share)
        assert rate.share == optimizer.param_groups[0]["lr"]
    assert sorted(set(shares), reverse=True) == [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]


def test_it_waits_for_so_many_measurements_and_then_for_as_many_again() -> None:
    plateau, halvings = Plateau(), []
    for _ in range(8):
        plateau = plateau.after(3.0, patience=2, threshold=0.0, most=5)
        halvings.append(plateau.halvings)
    assert halvings == [0, 0, 0, 1, 1, 1, 2, 2]


def test_a_loss_that_is_lower_by_less_than_the_threshold_is_no_lower() -> None:
    plateau = Plateau().after(1.0, patience=9, threshold=0.1, most=5)
    assert plateau.after(0.91, patience=9, threshold=0.1, most=5) == Plateau(1.0, 1, 0)
    assert plateau.after(0.89, patience=9, threshold=0.1, most=5) == Plateau(0.89, 0, 0)


def test_its_state_goes_through_a_checkpoint_bit_for_bit() -> None:
    rate, other = (PlateauRate(patience=0, threshold=1e-4, most=5) for _ in range(2))
    assert (rate.share, rate.plateau.lowest) == (1.0, math.inf)
    for loss in (1 / 3, 1 / 3, 1 / 7, 1 / 6):
        rate.measured(loss)
    other.load_state_dict(rate.state_dict())
    assert other.plateau == rate.plateau == Plateau(1 / 7, 0, 2)
    assert other.share == 0.25
