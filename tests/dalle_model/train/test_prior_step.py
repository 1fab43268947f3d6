import pytest
import torch

from dalle_model.data.reader import Batch
from dalle_model.settings import PriorTraining
from dalle_model.train.descent import DivergedError
from dalle_model.train.prior_step import add_noise, rate_share, start, train_step
from tests.support.priors import TINY, random_stream

FAST = PriorTraining(
    batch_size=4, learning_rate=1e-2, warmup_steps=5, optimizer="muon", precision="float32"
)


def test_equal_seeds_give_equal_weights_and_leave_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    weights = [start(TINY, FAST).prior.embedding.row.weight for _ in range(2)]
    assert torch.equal(weights[0], weights[1])
    assert torch.equal(torch.random.get_rng_state(), before)


def batch(size: int) -> Batch:
    text, image = random_stream(size)
    keys = [f"{n:040x}" for n in range(size)]
    return {"key": keys, "text": text, "image_tokens": image, "next_position": size}


def test_a_step_moves_on_by_its_rows() -> None:
    state = start(TINY, FAST)
    train_step(state, FAST, batch(4))
    assert (state.step, state.position, sorted(state.recent)) == (
        *(1, 4),
        ["image_ce", "loss", "text_ce"],
    )


@pytest.mark.parametrize("part", ["loss", "gradient"])
def test_what_is_not_finite_stops_before_the_update_and_names_the_rows(part: str) -> None:
    state = start(TINY, FAST)
    if part == "loss":
        with torch.no_grad():
            state.prior.norm.bias[0] = torch.nan
    else:
        state.prior.embedding.row.weight.register_hook(lambda gradient: gradient * torch.inf)
    before = {name: weight.clone() for name, weight in state.prior.state_dict().items()}
    with pytest.raises(DivergedError, match=rf"in step 1 the loss is .*: {0:040x}, {1:040x}$"):
        train_step(state, FAST, batch(2))
    assert (state.step, state.position, state.recent) == (0, 0, {})
    for name, weight in state.prior.state_dict().items():
        assert torch.equal(weight.nan_to_num(), before[name].nan_to_num()), name


def test_of_a_large_batch_some_rows_are_named() -> None:
    state = start(TINY, FAST)
    state.prior.embedding.row.weight.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(DivergedError, match=rf"{31:040x} and 8 more$"):
        train_step(state, FAST, batch(40))


def test_rate_warms_up_and_falls_to_its_last_share() -> None:
    settings = PriorTraining(steps=110, warmup_steps=10, final_rate=0.25)
    shares = [rate_share(step, settings) for step in (0, 4, 9, 10, 60, 110)]
    assert shares == pytest.approx([0.1, 0.5, 1.0, 1.0, 0.625, 0.25])


def test_noise_replaces_up_to_its_share_and_is_seeded() -> None:
    image = torch.full((200, 50), 99)
    noisy = add_noise(image, 16, 0.5, (0, 1))
    replaced = (noisy != 99).double().mean(dim=1)
    assert float(replaced.mean()) == pytest.approx(0.25, abs=0.03)
    assert float(replaced.max()) < 0.8
    assert torch.equal(noisy, add_noise(image, 16, 0.5, (0, 1)))
    assert not torch.equal(noisy, add_noise(image, 16, 0.5, (0, 2)))
    assert torch.equal(add_noise(image, 16, 0.0, (0, 1)), image)
