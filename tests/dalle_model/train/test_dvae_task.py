from dataclasses import replace

import numpy as np
import pytest
import torch

from dalle_model.config import DvaeConfig
from dalle_model.settings import DvaeTraining
from dalle_model.train.dvae_task import DvaeTask
from dalle_model.train.losses import divergence_from_uniform, relax
from dalle_model.train.state import begin
from dalle_model.train.step import backward, train_step
from tests.support.edges import edges

TINY = DvaeConfig(16, 8, hidden=8, bottleneck=8, blocks_per_group=1)
SETTINGS = DvaeTraining(
    batch_size=4, kl_weight=6.6, kl_steps=0, temperature_steps=0, precision="float32"
)


def task(settings=SETTINGS, config=TINY):
    return DvaeTask(config, settings, lambda _: {})


def batch(rows):
    """Some of the images, each with the noise that is its own."""
    images = edges(4)[rows][:, ::2, ::2]
    return {
        "key": [str(row) for row in rows],
        "image": torch.from_numpy(np.ascontiguousarray(images)),
        "row": torch.tensor(rows),
        "epoch": torch.zeros(len(rows), dtype=torch.int64),
        "next_position": len(rows),
    }


def gradient(rows, settings=SETTINGS):
    state = begin(task(settings), settings)
    means = backward(state, settings, batch(rows))
    weights = state.task.model.parameters()
    return means, torch.cat([w.grad.flatten() for w in weights if w.grad is not None])


@pytest.mark.parametrize("side", [16, 32])
def test_the_weight_of_the_divergence_is_divided_by_192_at_any_size(side):
    weights = task(config=replace(TINY, side=side)).weights(step=0)
    assert weights == {"nll": 1, "kl": pytest.approx(6.6 / 192)}


def test_the_loss_is_that_of_the_paper_divided_by_its_sub_pixels():
    """Appendix A.2: the sums over 256 x 256 x 3 and over 32 x 32, both divided by the former."""
    trained, rows = task(), batch([0, 1, 2])
    sums = trained.objective(*trained.inputs(rows, 0))
    counts, weights = trained.counts(rows), trained.weights(0)
    loss = sum(weights[part] * sums[part] / counts[part] for part in sums)
    by_image = (sums["nll"] + 6.6 * sums["kl"]) / (16 * 16 * 3)
    assert loss.item() == pytest.approx(by_image.item() / 3, rel=1e-6)


def test_the_gradient_is_a_mean_over_images_so_that_their_number_does_not_scale_it():
    """What sums the divergence over the batch lowers another loss for each batch size."""
    once, first = gradient([0, 1])
    again, second = gradient([0, 1, 0, 1, 0, 1])
    assert torch.allclose(first, second, rtol=1e-4, atol=1e-7)
    assert again["kl"] == pytest.approx(once["kl"], rel=1e-5)


def test_the_noise_of_an_image_is_its_own_whatever_lies_in_the_batch():
    _, alone = gradient([3])
    _, others = gradient([1, 2])
    _, together = gradient([1, 2, 3])
    assert torch.allclose((alone + 2 * others) / 3, together, rtol=1e-3, atol=1e-6)


def test_the_samples_are_soft_and_their_gradient_is_that_of_what_is_computed():
    """A straight-through estimator passes one function on, and the gradient of another one back."""
    logits = torch.randn(1, 5, 1, 2, dtype=torch.float64, requires_grad=True)

    def sample(values):
        return relax(values.float(), 0.5, [3]).double()

    found = sample(logits)
    assert 0 < float(found.detach().amax()) < 0.999
    step = 1e-2
    for place in np.ndindex(1, 5, 1, 2):
        (slope,) = torch.autograd.grad(found[0, 0].sum(), logits, retain_graph=True)
        moved = torch.zeros_like(logits)
        moved[place] = step
        with torch.no_grad():
            rise = (sample(logits + moved) - sample(logits - moved))[0, 0].sum() / (2 * step)
        assert slope[place].item() == pytest.approx(rise.item(), abs=2e-3)


def test_nothing_that_is_trained_follows_from_an_argmax(monkeypatch):
    before = gradient([0, 1])[1]
    zeros = torch.zeros(2, 2, 2, dtype=torch.int64)
    monkeypatch.setattr(torch.Tensor, "argmax", lambda *_, **__: zeros)
    assert torch.equal(gradient([0, 1])[1], before)


def test_the_schedules_are_the_paper_s():
    trained = task(DvaeTraining())
    rows = batch([0])
    for step, temperature in ((0, 1.0), (75_000, 0.53125), (150_000, 1 / 16), (2_000_000, 1 / 16)):
        assert trained.inputs(rows, step)[1] == pytest.approx(temperature)
    for step, weight in ((0, 0.0), (2_500, 3.3), (5_000, 6.6), (9_000, 6.6)):
        assert trained.weights(step)["kl"] == pytest.approx(weight / 192)
    for step, rate in ((0, 1e-4), (600_000, 5.0625e-5), (1_200_000, 1.25e-6), (2_000_000, 1.25e-6)):
        assert trained.rate_share(step) * trained.optimizers[0].param_groups[0]["peak"] == (
            pytest.approx(rate)
        )


def test_the_paper_has_no_warm_up_and_no_clipping_and_averages_in_each_step():
    paper = DvaeTraining()
    assert (paper.clip_norm, paper.ema_decay, paper.ema_every) == (None, 0.999, 1)
    assert (paper.augment, paper.batch_size, paper.steps) == ("listing1", 512, 3_000_000)
    (group,) = task(paper).optimizers[0].param_groups
    assert (group["betas"], group["eps"], group["weight_decay"]) == ((0.9, 0.999), 1e-8, 1e-4)
    state, settings = begin(task(), SETTINGS), replace(SETTINGS, learning_rate=(1e-3, 1e-3))
    train_step(state, settings, batch([0, 1]))
    assert state.task.optimizers[0].param_groups[0]["lr"] == pytest.approx(1e-4)


def test_uniform_codes_diverge_by_nothing_and_certain_ones_by_ln_k():
    logits = torch.zeros(1, 8, 1, 2)
    logits[0, 3, 0, 1] = 100.0
    assert divergence_from_uniform(logits).flatten().tolist() == pytest.approx([0, np.log(8)])


@pytest.mark.parametrize(
    ("kl", "is_few", "said"),
    [
        (0.05, True, "lower `dvae.training.kl_weight`"),
        (0.05, False, "lower `dvae.training.kl_weight`"),
        (1.0, True, "raise `dvae.training.kl_weight`"),
    ],
)
def test_what_to_change_depends_on_what_a_token_says(kl, is_few, said):
    assert said in task().judge({"kl": kl}, is_few)
    assert task().judge({"kl": 1.0}, False) == ""
