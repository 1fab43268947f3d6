import pytest
import torch

from dalle_model.guide.cutouts import augmentation, boxes, cut_out


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("shape", "side", "least"), [((64, 64), 64, 32), ((300, 500), 32, 32)])
def test_squares_are_within_the_picture_and_reach_its_edges(shape, side, least):
    found = list(boxes(torch.Size(shape), 400, side, drawn()))
    height, width = shape
    for left, top, edge in found:
        assert least <= edge <= height
        assert 0 <= left <= width - edge
        assert 0 <= top <= height - edge
    assert {edge for *_, edge in found} >= {least, height} or shape != (64, 64)
    assert min(left for left, *_ in found) == 0
    assert max(left + edge for left, _, edge in found) > 0.97 * width


def test_without_distortion_a_whole_picture_is_itself():
    image = torch.rand(3, 9, 9, generator=drawn())
    cuts = cut_out(image, 30, 9, drawn(1), None)
    whole = [edge == 9 for *_, edge in boxes(torch.Size((9, 9)), 30, 9, drawn(1))]
    assert any(whole)
    for cut, is_whole in zip(cuts, whole, strict=True):
        assert torch.allclose(cut, image, atol=1e-6) is is_whole


def test_a_seed_decides_all_draws_whatever_torch_has_drawn_before():
    image, augment = torch.rand(3, 24, 24, generator=drawn()), augmentation(mirrors=True)
    before = torch.get_rng_state()
    generator = drawn(5)
    first, second = (cut_out(image, 3, 16, generator, augment) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(7)
    assert torch.equal(cut_out(image, 3, 16, drawn(5), augment), first)
    assert not torch.equal(first, second)
    assert first.shape == (3, 3, 16, 16)


def test_gradients_reach_the_picture_through_every_distortion():
    image = torch.rand(3, 16, 16, generator=drawn()).requires_grad_()
    for seed in range(4):
        cut_out(image, 4, 16, drawn(seed), augmentation(mirrors=True)).square().sum().backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()
    assert image.grad.ne(0).float().mean() > 0.9
