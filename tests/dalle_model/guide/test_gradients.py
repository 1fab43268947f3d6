import torch

from dalle_model.guide.gradients import clamp_passing, with_gradient_of


def test_a_clamp_passes_gradients_inside_and_towards_the_range():
    values = [-1.0, -1.0, 0.5, 0.5, 2.0, 2.0]
    x = torch.tensor(values, requires_grad=True)
    clamped = clamp_passing(x, 0, 1)
    assert clamped.tolist() == [0, 0, 0.5, 0.5, 1, 1]
    (clamped * torch.tensor([1.0, -1, 1, -1, 1, -1])).sum().backward()
    # A step goes against the gradient: above the range a positive one leads back, below a negative.
    assert x.grad is not None
    assert x.grad.tolist() == [0, -1, 1, -1, 1, 0]


def test_a_value_has_the_gradient_of_another():
    through = torch.tensor([0.1, 0.7], requires_grad=True)
    value = with_gradient_of(torch.tensor([1 / 3, 2 / 3]), through)
    assert value.tolist() == torch.tensor([1 / 3, 2 / 3]).tolist()
    (value * torch.tensor([2.0, 5.0])).sum().backward()
    assert through.grad is not None
    assert through.grad.tolist() == [2, 5]
