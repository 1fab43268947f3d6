from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from dalle_model.settings import DvaeTraining, PriorTraining
from dalle_model.train.prior_task import PriorObjective, PriorTask
from dalle_model.train.state import RunState, begin
from dalle_model.train.step import DivergedError, average, backward, clip, train_step
from tests.dalle_model.train.test_prior_task import batch
from tests.support.priors import TINY

FAST = PriorTraining(
    batch_size=4, learning_rate=1e-2, warmup_steps=5, precision="float32", token_noise=0.5,
    ema_every=2,
)  # fmt: skip


def fresh(settings: PriorTraining = FAST) -> RunState:
    return begin(PriorTask(TINY, settings), settings)


def prior(state: RunState) -> nn.Module:
    return state.task.model


def copied(module: nn.Module) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in module.state_dict().items()}


def test_a_step_moves_on_by_its_rows() -> None:
    state = fresh()
    train_step(state, FAST, batch(4))
    assert (state.step, state.position) == (1, 4)
    assert sorted(state.recent) == ["gradient_norm", "image_ce", "loss", "text_ce"]
    text, image = state.recent["text_ce"], state.recent["image_ce"]
    assert state.recent["loss"] == pytest.approx(text / 8 + image * 7 / 8)


@pytest.mark.slow
def test_a_compiled_step_differs_in_rounding_alone() -> None:
    losses, norms = [], []
    for settings in (FAST, replace(FAST, compile=True)):
        state = fresh(settings)
        for _ in range(2):
            train_step(state, settings, batch(4))
        losses.append(state.figures["loss"])
        norms.append(state.figures["gradient_norm"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert norms[1] == pytest.approx(norms[0], rel=1e-3)


def test_weights_in_parts_and_codecs_are_not_compiled() -> None:
    with pytest.raises(ValueError, match="compile is for whole weights"):
        PriorTraining(compile=True, parallel="fsdp")
    with pytest.raises(ValueError, match="compile is for priors"):
        DvaeTraining(compile=True)


def test_a_batch_in_parts_has_the_gradient_of_the_whole() -> None:
    """Their captions differ in length, so that means of means would be another loss."""
    rows = batch(5)
    rows["text"][0, 2:9] = TINY.text_vocab
    found = []
    for number in (1, 2, 5, 9):
        settings = PriorTraining(accumulation=number, precision="float32", token_noise=0.5)
        state = fresh(settings)
        with torch.no_grad():
            for weight in prior(state).parameters():  # heads begin at 0, and pass no gradient
                weight.normal_(std=0.1, generator=torch.Generator().manual_seed(weight.numel()))
        means = backward(state, settings, rows)
        gradients = [w.grad for w in prior(state).parameters() if w.grad is not None]
        found.append((means["loss"], torch.cat([g.flatten() for g in gradients])))
    for loss, gradient in found[1:]:
        assert loss == pytest.approx(found[0][0], rel=1e-6)
        assert torch.allclose(gradient, found[0][1], atol=1e-6)


@pytest.mark.parametrize("part", ["loss", "gradient"])
def test_what_is_not_finite_stops_before_the_update_and_names_the_rows(part: str) -> None:
    state = fresh()
    if part == "loss":
        with torch.no_grad():
            prior(state).get_parameter("norm.bias")[0] = torch.nan
    else:
        row = prior(state).get_parameter("embedding.row.weight")
        row.register_hook(lambda gradient: gradient * torch.inf)
    before = copied(prior(state))
    message = rf"in step 1 the loss is .*`prior\.training\.learning_rate`.*: {0:040x}, {1:040x}$"
    with pytest.raises(DivergedError, match=message):
        train_step(state, FAST, batch(2))
    assert (state.step, state.position, state.recent) == (0, 0, {})
    for name, weight in prior(state).state_dict().items():
        assert torch.equal(weight.nan_to_num(), before[name].nan_to_num()), name


def test_of_a_large_batch_some_rows_are_named() -> None:
    state = fresh()
    row = prior(state).get_parameter("embedding.row.weight")
    row.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(DivergedError, match=rf"{31:040x} and 8 more$"):
        train_step(state, FAST, batch(40))


def half(steps: int = 3) -> tuple[RunState, PriorTraining]:
    settings = PriorTraining(steps=steps, batch_size=4, precision="float16", warmup_steps=1)
    return fresh(settings), settings


def overflow(state: RunState) -> Tensor:
    """Let the MLP of the second block overflow once; returns the exponents of the scales."""
    assert isinstance(state.task.objective, PriorObjective)
    scaling = state.task.objective.scaling
    assert scaling is not None
    weight = prior(state).get_parameter("blocks.1.mlp.2.weight")
    hook = weight.register_hook(lambda gradient: gradient * torch.inf)
    weight.register_post_accumulate_grad_hook(lambda _: hook.remove())
    return scaling.thousandths


def test_an_overflow_of_a_scaled_gradient_is_skipped_and_the_run_goes_on() -> None:
    state, settings = half()
    with torch.no_grad():  # heads begin at 0, and pass no gradient
        prior(state).get_parameter("image_head.weight").normal_(std=0.1)
    before, thousandths = copied(prior(state)), overflow(state)
    train_step(state, settings, batch(4))
    assert all(torch.equal(w, before[n]) for n, w in prior(state).state_dict().items())
    assert thousandths.tolist() == [13_001] * 3 + [12_500] + [13_001] * 2
    assert (state.step, state.position) == (1, 4)
    assert (state.recent["skipped"], state.recent["skipped_in_a_row"]) == (1, 1)
    assert "gradient_norm" not in state.recent
    train_step(state, settings, batch(4))
    name = "blocks.1.mlp.2.weight"
    assert not torch.equal(prior(state).get_parameter(name), before[name])
    assert (state.recent["skipped"], state.recent["skipped_in_a_row"]) == (1, 0)
    assert thousandths.tolist() == [13_002] * 3 + [12_501] + [13_002] * 2


def test_in_half_precision_what_is_not_finite_outside_of_branches_stops_the_run() -> None:
    state, settings = half()
    overflow(state)
    row = prior(state).get_parameter("embedding.row.weight")
    row.register_hook(lambda gradient: gradient * torch.nan)
    with pytest.raises(DivergedError, match="in step 1 the loss is"):
        train_step(state, settings, batch(2))


def test_a_gradient_is_scaled_to_the_norm_where_it_is_longer() -> None:
    model = nn.Linear(2, 1, bias=False)
    for most, expected in ((None, 5.0), (10.0, 5.0), (1.0, 1.0)):
        model.weight.grad = torch.tensor([[3.0, 4.0]])
        clip(model, 5.0, most)
        assert model.weight.grad.norm().item() == pytest.approx(expected, rel=1e-5)


def test_averages_forget_their_start() -> None:
    kept, model = nn.Linear(1, 1), nn.Linear(1, 1)
    for number in range(1, 51):
        average(kept, model, 0.9, number)
    assert kept.weight.item() == pytest.approx(model.weight.item(), abs=1e-2)


def test_the_average_of_a_run_moves_every_so_many_steps() -> None:
    state = fresh()
    assert state.averaged is not None
    before = copied(state.averaged)
    train_step(state, FAST, batch(4))
    assert all(torch.equal(w, before[n]) for n, w in state.averaged.state_dict().items())
    train_step(state, FAST, batch(4))
    name = "image_head.bias"
    moved = before[name] + 9 / 11 * (prior(state).state_dict()[name] - before[name])
    assert torch.allclose(state.trained.state_dict()[name], moved)
    assert begin(PriorTask(TINY, FAST), PriorTraining(ema_decay=0)).averaged is None
