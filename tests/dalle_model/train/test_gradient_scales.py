import math

import pytest
import torch

from dalle_model.train.gradient_scales import LEAST, LOCKOUT, MOST, GradientScales, first_scales

FINE, BAD = torch.tensor([True]), torch.tensor([False])


def slowly(replicas: int, outcomes: list[bool]) -> list[float]:
    """One scale after each update, as appendix D of the paper says it."""
    scale, last_cut = replicas * 2.0**13, -math.inf
    scales = []
    for update, is_finite in enumerate(outcomes):
        if is_finite:
            scale *= 2 ** (1 / 1000)
        elif update - last_cut >= 125:
            scale, last_cut = scale / math.sqrt(2), update
        scale = min(max(scale, replicas * 2.0**7), replicas * 2.0**24)
        scales.append(scale)
    return scales


def test_scales_move_as_the_paper_says_each_for_itself() -> None:
    shares_finite = torch.tensor([1.0, 0.995, 0.5, 0.0])
    drawn = torch.rand(1600, 4, generator=torch.Generator().manual_seed(0)) < shares_finite
    scales, found = first_scales(4), []
    for is_finite in drawn:
        scales = scales.after(is_finite)
        found.append(scales.values(1024))
    expected = [slowly(1024, outcomes.tolist()) for outcomes in drawn.T]
    torch.testing.assert_close(torch.stack(found), torch.tensor(expected).T, rtol=1e-5, atol=0)


def test_a_thousand_finite_updates_double_a_scale_exactly() -> None:
    scales = first_scales(1)
    for _ in range(1000):
        scales = scales.after(FINE)
    assert scales.values(1).item() == 2.0**14


def test_two_divisions_halve_it_exactly_and_are_125_updates_apart() -> None:
    scales, cuts = first_scales(1), []
    for update in range(300):
        before, scales = scales, scales.after(BAD)
        if scales.values(1) < before.values(1):
            cuts.append(update)
    assert cuts == [0, 125, 250]
    two = first_scales(1).after(BAD)
    for _ in range(125):
        two = two.after(BAD)
    assert two.values(8).item() == 8 * 2.0**12


def test_while_a_scale_is_locked_it_neither_falls_nor_grows_by_what_is_not_finite() -> None:
    cut = first_scales(1).after(BAD)
    assert torch.equal(cut.after(BAD).thousandths, cut.thousandths)
    assert cut.after(FINE).values(1) > cut.values(1)


@pytest.mark.parametrize(
    ("start", "outcome", "end"), [(MOST - 1, FINE, 2.0**24), (LEAST + 1, BAD, 2.0**7)]
)
def test_scales_stay_between_their_bounds(start: int, outcome: torch.Tensor, end: float) -> None:
    scales = GradientScales(torch.tensor([start]), torch.tensor([LOCKOUT]))
    for _ in range(2):
        scales = scales.after(outcome)
        assert scales.values(1).item() == end


def test_a_scale_is_exhausted_where_a_division_is_due_and_none_is_left() -> None:
    scales, updates = first_scales(1), 0
    while not scales.exhausted(BAD).item():
        assert not scales.exhausted(FINE).item()
        scales, updates = scales.after(BAD), updates + 1
    # From 2 ** 13 to 2 ** 7 are 12 divisions, each with 125 updates to the next one.
    assert updates == 12 * 125
    assert not scales.exhausted(FINE).item()
    assert not scales.after(FINE).exhausted(BAD).item()
