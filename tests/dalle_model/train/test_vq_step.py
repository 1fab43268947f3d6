from dataclasses import replace

import numpy as np
import pytest
import torch

from dalle_model.settings import VqTraining
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.train.descent import DivergedError
from dalle_model.train.vq_step import fresh, objective, rate_share, scaled, start, train_step
from tests.support.codecs import random_vq
from tests.support.edges import edges

CONFIG = VqConfig(8, 16, width=8, encoder_blocks=1, decoder_blocks=1, image_shape=(32, 32))
SETTINGS = VqTraining(steps=100, decay_steps=40, warmup_steps=10, batch_size=4, precision="float32")


def images(count=16):
    return torch.from_numpy(edges(count).transpose(0, 3, 1, 2).copy())


def started(settings=SETTINGS):
    state = fresh(CONFIG, settings)
    start(state, settings, images())
    return state


def test_the_objective_is_that_of_the_paper_divided_by_the_values_of_a_patch():
    model, x = random_vq(), scaled(images(2))[..., :16, :16]
    terms = objective(model, x, commitment=0.25)
    z = model.encoder(x)
    e = model.vectors(model.nearest(z))
    error = (model.decoder(e) - x).square().sum()
    commitment = (z - e).square().sum()
    assert terms.loss.item() == pytest.approx((error + 0.25 * commitment).item() / x.numel())


def test_features_get_the_gradient_of_their_vectors():
    model, x = random_vq(), scaled(images(2))[..., :16, :16]
    objective(model, x, commitment=0.0).loss.backward()
    z = model.encoder(x)
    e = model.vectors(model.nearest(z)).requires_grad_()
    (model.decoder(e) - x).square().mean().backward()
    got, gradient = model.encoder.linear.b.grad, e.grad
    assert got is not None
    assert gradient is not None
    expected = gradient.sum((0, 2, 3))  # what a bias that is added to all features gets
    assert torch.allclose(got, expected, atol=1e-6)


def test_the_rate_rises_stays_and_falls_in_lines():
    shares = [rate_share(step, SETTINGS) for step in (0, 4, 9, 60, 80, 99)]
    assert shares == pytest.approx([0.1, 0.5, 1, 1, 0.5, 0.025])


def test_scaled_bytes_are_from_minus_one_to_one():
    assert scaled(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]


def test_a_step_moves_weights_codebook_and_averages_apart():
    state = started()
    before = {name: value.clone() for name, value in state.weights.state_dict().items()}
    train_step(state, SETTINGS, images())
    after = state.weights.state_dict()
    for name in ("model.decoder.linear.w", "model.codebook", "averaged.decoder.linear.w"):
        assert not torch.equal(after[name], before[name]), name
    assert torch.equal(state.trained().codebook, state.weights.model.codebook)
    assert (state.step, list(state.recent)) == (1, ["loss", "psnr"])


def test_equal_seeds_give_equal_weights_and_other_seeds_do_not():
    def weights(seed):
        torch.rand(seed + 1)  # the global state must not matter
        settings = replace(SETTINGS, seed=seed)
        state = started(settings)
        for _ in range(2):
            train_step(state, settings, images())
        return torch.cat([p.detach().flatten() for p in state.weights.parameters()])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_an_infinite_loss_is_an_error_that_names_the_setting():
    state = started()
    with torch.no_grad():
        state.weights.model.decoder.linear.b[0] = np.inf
    with pytest.raises(DivergedError, match=r"lower `vq\.training\.learning_rate`"):
        train_step(state, SETTINGS, images())
