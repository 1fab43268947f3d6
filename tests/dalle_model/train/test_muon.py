import pytest
import torch
from torch import nn, optim

from dalle_model.train.muon import Muon, orthogonalised

SHAPES = [(8, 8), (24, 8), (8, 24)]
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # Source: Jordan et al. 2024


def matrices() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def trained(optimizer: optim.Optimizer, weights: list[nn.Parameter]) -> list[nn.Parameter]:
    for step in range(3):
        sum(((step + 1) * weight**3).sum() for weight in weights).backward()
        optimizer.step()
        optimizer.zero_grad()
    return weights


def test_in_bfloat16_it_is_torchs_bit_for_bit() -> None:
    ours, theirs = matrices(), matrices()
    trained(Muon(ours, lr=0.02, weight_decay=0.1, dtype=torch.bfloat16), ours)
    trained(optim.Muon(theirs, lr=0.02, weight_decay=0.1), theirs)
    for one, other, start in zip(ours, theirs, matrices(), strict=True):
        assert torch.equal(one, other)
        assert not torch.equal(one, start)


def test_in_float32_it_goes_the_same_way() -> None:
    ours, theirs = matrices(), matrices()
    trained(Muon(ours, lr=0.02, weight_decay=0.1, dtype=torch.float32), ours)
    trained(optim.Muon(theirs, lr=0.02, weight_decay=0.1), theirs)
    for one, other, start in zip(ours, theirs, matrices(), strict=True):
        assert (one - other).norm() < 0.02 * (other - start).norm()


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_move_close_to_one(shape) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = orthogonalised(matrix, torch.float32, COEFFICIENTS, 5, 1e-7)
    values = torch.linalg.svdvals(found)
    assert found.shape == matrix.shape
    assert 0.5 < values.min() < values.max() < 1.5


def test_a_matrix_of_zeros_stays_zero() -> None:
    found = orthogonalised(torch.zeros(4, 4), torch.float32, COEFFICIENTS, 5, 1e-7)
    assert torch.equal(found, torch.zeros(4, 4))
