from dataclasses import replace

import numpy as np
import pytest
import torch

from dalle_model.data.augment import Augmentation
from dalle_model.data.torch import TokenLoader, TokenStream
from dalle_model.settings import VqTraining
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.train.state import begin
from dalle_model.train.step import DivergedError, train_step
from dalle_model.train.vq_task import VqObjective, VqTask, rate_share, scaled
from tests.support.codecs import random_vq
from tests.support.edges import edges
from tests.support.training_images import training_images

CONFIG = VqConfig(8, 16, width=8, encoder_blocks=1, decoder_blocks=1, image_shape=(32, 32))
SETTINGS = VqTraining(steps=100, decay_steps=40, warmup_steps=10, batch_size=4, precision="float32")


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    return training_images(folder, edges(17), Augmentation("shift", 32, SETTINGS.max_shift)).reader


def batches(reader, settings=SETTINGS):
    return iter(TokenLoader(TokenStream(reader, settings.batch_size)))


def started(reader, settings=SETTINGS):
    task = VqTask(CONFIG, settings, lambda _: {})
    state = begin(task, settings)
    task.start(reader, state.averaged)
    return state


def pixels():
    return scaled(torch.from_numpy(edges(2)))[..., :16, :16]


def test_the_objective_is_that_of_the_paper():
    model, x = random_vq(), pixels()
    sums = VqObjective(model)(x)
    z = model.encoder(x)
    e = model.vectors(model.nearest(z))
    error = (model.decoder(e) - x).square().sum()
    assert sums["mse"].item() == pytest.approx(error.item(), rel=1e-5)
    assert sums["commitment"].item() == pytest.approx((z - e).square().sum().item(), rel=1e-5)


def test_both_of_its_parts_are_divided_by_the_values_of_a_patch(reader):
    task = started(reader).task
    rows = next(batches(reader))
    assert task.counts(rows) == {"mse": 4 * 3 * 32 * 32, "commitment": 4 * 3 * 32 * 32}
    assert task.weights(0) == {"mse": 1, "commitment": SETTINGS.commitment}


def test_features_get_the_gradient_of_their_vectors():
    model, x = random_vq(), pixels()
    VqObjective(model)(x)["mse"].backward()
    z = model.encoder(x)
    e = model.vectors(model.nearest(z)).requires_grad_()
    (model.decoder(e) - x).square().sum().backward()
    got, gradient = model.encoder.linear.b.grad, e.grad
    assert got is not None
    assert gradient is not None
    expected = gradient.sum((0, 2, 3))  # what a bias that is added to all features gets
    assert torch.allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_the_rate_rises_stays_and_falls_in_lines():
    shares = [rate_share(step, SETTINGS) for step in (0, 4, 9, 60, 80, 99)]
    assert shares == pytest.approx([0.1, 0.5, 1, 1, 0.5, 0.025])


def test_scaled_bytes_are_from_minus_one_to_one():
    two = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 2, 1)
    assert scaled(two).flatten().tolist() == [-1, 1]


def test_a_step_moves_weights_codebook_and_averages_apart(reader):
    state = started(reader)
    before = {name: value.clone() for name, value in state.weights.state_dict().items()}
    train_step(state, SETTINGS, next(batches(reader)))
    after = state.weights.state_dict()
    for name in (
        "objective.model.decoder.linear.w",
        "objective.model.codebook",
        "objective.moving.sums",
        "averaged.decoder.linear.w",
    ):
        assert not torch.equal(after[name], before[name]), name
    assert (state.step, list(state.recent)) == (1, ["loss", "mse", "commitment", "gradient_norm"])


def test_a_batch_in_parts_moves_the_codebook_by_all_of_them(reader):
    codebooks = []
    for number in (1, 3):
        settings = replace(SETTINGS, accumulation=number)
        state = started(reader, settings)
        train_step(state, settings, next(batches(reader, settings)))
        codebooks.append(state.task.model.codebook)
    assert torch.allclose(codebooks[0], codebooks[1], atol=1e-5)


def test_equal_seeds_give_equal_weights_and_other_seeds_do_not(reader):
    def weights(seed):
        torch.rand(seed + 1)  # the global state must not matter
        settings = replace(SETTINGS, seed=seed)
        state = started(reader, settings)
        for _, rows in zip(range(2), batches(reader, settings), strict=False):
            train_step(state, settings, rows)
        return torch.cat([p.detach().flatten() for p in state.weights.parameters()])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_an_infinite_loss_is_an_error_that_names_the_setting(reader):
    state = started(reader)
    with torch.no_grad():
        state.task.model.decoder.linear.b[0] = np.inf
    with pytest.raises(DivergedError, match=r"lower `vq\.training\.learning_rate`"):
        train_step(state, SETTINGS, next(batches(reader)))
