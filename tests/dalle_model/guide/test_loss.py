import numpy as np
import pytest
import torch

from dalle_model.guide.loss import Target, guiding_loss, prompt_loss, spherical_distance


def unit(*shape, seed=0):
    values = np.random.default_rng(seed).standard_normal(shape)
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def test_the_distance_is_half_the_square_of_the_angle():
    a, b = unit(50, 8), unit(8, seed=1)
    angles = np.arccos(a @ b)
    found = spherical_distance(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    np.testing.assert_allclose(found, angles**2 / 2, rtol=1e-9)
    opposite = spherical_distance(torch.from_numpy(-b[None]), torch.from_numpy(b))
    assert opposite.item() == pytest.approx(np.pi**2 / 2)


def test_weights_scale_the_mean_and_turn_its_sign():
    a, b, c = (torch.from_numpy(unit(*s, seed=i)) for i, s in enumerate([(5, 8), (8,), (8,)]))
    mean_b, mean_c = spherical_distance(a, b).mean(), spherical_distance(a, c).mean()
    loss = guiding_loss(a, [Target(b, 2.0), Target(c, -0.5)])
    assert loss.item() == pytest.approx((2 * mean_b - 0.5 * mean_c).item())


@pytest.mark.parametrize(("weight", "stop"), [(1.0, 0.3), (-1.0, -0.3)])
def test_beyond_its_stop_a_prompt_has_no_gradient(weight, stop):
    """Closer than 0.3 for a positive weight, further than 0.3 for a negative one."""
    target = torch.tensor([1.0, 0.0])
    angles = torch.tensor([0.2, 1.5])  # at distances 0.02 and 1.125
    for angle, distance in zip(angles.tolist(), (0.02, 1.125), strict=True):
        a = torch.tensor([[np.cos(angle), np.sin(angle)]], dtype=torch.float32)
        a.requires_grad_()
        loss = prompt_loss(a, Target(target, weight, stop))
        assert loss.item() == pytest.approx(weight * distance, abs=1e-5)
        loss.backward()
        assert a.grad is not None
        assert bool(a.grad.any()) is (weight * distance > stop)
