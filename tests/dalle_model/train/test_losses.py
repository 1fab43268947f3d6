import math

import pytest
import torch

from dalle_model.train.losses import divergence_from_uniform, logit_laplace, relax


@pytest.mark.parametrize(("mu", "ln_b"), [(0.0, 0.0), (1.0, -1.0), (-2.0, -3.0)])
def test_the_density_integrates_to_one(mu, ln_b):
    x = torch.linspace(1e-6, 1 - 1e-6, 200_001, dtype=torch.float64)
    at = torch.full_like(x, mu), torch.full_like(x, ln_b)
    integral = torch.trapezoid(logit_laplace(x, *at).exp(), x)
    assert integral.item() == pytest.approx(1, abs=2e-3)


def test_the_density_of_the_paper_at_a_point():
    x, mu, ln_b = (torch.tensor(v) for v in (0.3, 0.5, -0.7))
    b = math.exp(-0.7)
    expected = math.exp(-abs(math.log(0.3 / 0.7) - 0.5) / b) / (2 * b * 0.3 * 0.7)
    assert logit_laplace(x, mu, ln_b).exp().item() == pytest.approx(expected, rel=1e-5)


def test_divergence_is_ln_k_minus_entropy():
    logits = torch.zeros(1, 8, 1, 2)
    logits[0, 3, 0, 1] = 100.0  # one code certain: entropy 0
    assert divergence_from_uniform(logits).flatten().tolist() == pytest.approx([0, math.log(8)])


def test_relaxed_draws_are_distributions_and_cold_ones_almost_one_hot():
    logits = torch.randn(4, 16, 2, 2, generator=torch.Generator().manual_seed(0))
    warm = relax(logits, 1.0, range(4))
    cold = relax(logits, 1e-3, range(4))
    assert torch.allclose(warm.sum(1), torch.ones(4, 2, 2))
    assert cold.amax(1).mean() > 0.99
    assert torch.equal(warm.argmax(1), cold.argmax(1))


def test_draws_follow_the_logits():
    logits = torch.tensor([0.1, 0.2, 0.7]).log().view(1, 3, 1, 1).expand(20_000, 3, 1, 1)
    codes = relax(logits, 0.1, range(20_000)).argmax(1).flatten()
    shares = torch.bincount(codes, minlength=3) / len(codes)
    assert shares.tolist() == pytest.approx([0.1, 0.2, 0.7], abs=0.02)


def test_without_noise_it_is_a_softmax():
    logits = torch.randn(1, 4, 1, 1)
    assert torch.equal(relax(logits, 0.5, None), (logits / 0.5).softmax(1))


def test_the_gradient_passes_the_relaxation():
    logits = torch.zeros(1, 4, 1, 1, requires_grad=True)
    relax(logits, 0.5, range(1))[0, 0].sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().sum() > 0
