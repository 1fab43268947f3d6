import pytest
import torch
from torch import nn

from dalle_model.train.descent import GRADIENT_CLIP, DivergedError, average, descend, draw_batch


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_a_batch_is_shifted_and_mirrored_within_its_bounds(dtype):
    x = torch.arange(16.0).to(dtype).view(1, 1, 1, 16).expand(4, 3, 16, 16)
    batch = draw_batch(x, 64, 2, torch.Generator().manual_seed(0))
    assert (batch.shape, batch.dtype) == ((64, 3, 16, 16), dtype)
    middles = set(batch[:, 0, 8, 8].tolist())
    assert middles == {6.0, 7.0, 8.0, 9.0, 10.0, 5.0}  # 8 and its mirror image 7, two either way
    still = draw_batch(x, 64, 0, torch.Generator().manual_seed(0))
    assert set(still[:, 0, 8, 8].tolist()) == {7.0, 8.0}


def test_edges_are_repeated_where_an_image_is_shifted():
    x = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 1, 4, 4)
    rows = draw_batch(x, 200, 1, torch.Generator().manual_seed(0))[:, 0, 0].tolist()
    ahead = [[0, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 3]]
    assert {tuple(row) for row in rows} == {tuple(r) for a in ahead for r in (a, a[::-1])}


def test_a_step_follows_the_clipped_gradient():
    model = nn.Linear(1, 1, bias=False)
    before = model.weight.item()
    descend(model, [torch.optim.SGD(model.parameters(), 1.0)], 100 * model.weight.sum(), "rate")
    assert model.weight.item() == pytest.approx(before - GRADIENT_CLIP, abs=1e-4)


def test_an_infinite_loss_names_the_setting():
    model = nn.Linear(1, 1)
    with pytest.raises(DivergedError, match=r"the loss became inf; lower `a\.rate`"):
        descend(model, [], model.weight.sum() + torch.inf, "a.rate")


def test_averages_forget_their_start():
    kept, model = nn.Linear(1, 1), nn.Linear(1, 1)
    for step in range(50):
        average(kept, model, 0.9, step)
    assert kept.weight.item() == pytest.approx(model.weight.item(), abs=1e-2)
