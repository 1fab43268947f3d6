import copy

import pytest
import torch
from torch import Tensor

from dalle_model.prior.loss import stream_loss
from dalle_model.prior.model import Prior
from dalle_model.train.gradient_scales import CUT, LEAST, MOST, START
from dalle_model.train.resblock_scaling import ResblockScaling, run_scaled
from tests.support.priors import random_prior, random_stream

MLP_OF_BLOCK_2 = 3  # its number among the branches
NUM_BRANCHES = 6


def half(prior: Prior, replicas: int = 1) -> ResblockScaling:
    return ResblockScaling(prior, replicas)


def backward(prior: Prior, factor: float = 1.0) -> float:
    """The loss; its gradient is taken `factor` times."""
    text, image = random_stream(4)
    prior.zero_grad()
    text_logits, image_logits = prior(text, image)
    text_ce, image_ce = stream_loss(text_logits, image_logits, text, image)
    loss = text_ce / 20 + image_ce / 36  # sums of so many tokens
    (factor * loss).backward()
    return loss.item()


def gradients(prior: Prior) -> dict[str, Tensor]:
    return {n: w.grad.clone() for n, w in prior.named_parameters() if w.grad is not None}


def worst_error(prior: Prior, expected: dict[str, Tensor]) -> float:
    """Largest distance of a gradient from the expected one, as a share of its norm."""
    found = gradients(prior)
    return max(float((found[n] - g).norm() / g.norm()) for n, g in expected.items())


def set_scales(scaling: ResblockScaling, thousandths: dict[int, int]) -> None:
    for branch, value in thousandths.items():
        scaling.thousandths[branch] = value


@pytest.mark.parametrize("replicas", [1, 64])
def test_loss_and_gradients_are_those_of_float32(replicas: int) -> None:
    single, mixed = random_prior(), random_prior()
    scaling = half(mixed, replicas)
    assert backward(mixed) == pytest.approx(backward(single), rel=1e-3)
    assert scaling.settle() == []
    assert worst_error(mixed, gradients(single)) < 0.01


def test_what_half_precision_loses_is_kept() -> None:
    single, unscaled, scaled = random_prior(), random_prior(), random_prior()
    for prior, start in ((unscaled, LEAST), (scaled, MOST)):
        scaling = half(prior)
        set_scales(scaling, dict.fromkeys(range(NUM_BRANCHES), start))
        backward(prior, 2.0**-24)
        assert scaling.settle() == []
    backward(single, 2.0**-24)
    assert worst_error(unscaled, gradients(single)) > 0.9
    assert worst_error(scaled, gradients(single)) < 0.01


def test_only_branches_run_in_half_precision_and_the_stream_does_not() -> None:
    prior, seen = random_prior(), {}
    half(prior)
    for name, module in prior.named_modules():
        module.register_forward_hook(
            lambda _, inputs, output, name=name: seen.update({name: (inputs[0], output)})
        )
    backward(prior)
    branch_ends = {f"blocks.{n}.{end}" for n in range(3) for end in ("attention.output", "mlp.2")}
    assert {seen[name][1].dtype for name in branch_ends} == {torch.float16}
    in_full = ("blocks.0", "blocks.2", "norm", "text_head", "image_head", "blocks.1.mlp_norm")
    assert {seen[name][1].dtype for name in in_full} == {torch.float32}
    assert {gradient.dtype for gradient in gradients(prior).values()} == {torch.float32}


def test_a_branch_that_overflows_loses_its_own_scale_only() -> None:
    single, mixed = random_prior(), random_prior()
    scaling = half(mixed)
    set_scales(scaling, {MLP_OF_BLOCK_2: MOST})
    backward(mixed, 100.0)
    backward(single, 100.0)
    assert scaling.settle() == ["the MLP of block 2"]
    expected = [START + 1] * NUM_BRANCHES
    expected[MLP_OF_BLOCK_2] = MOST - 500
    assert scaling.thousandths.tolist() == expected
    later = {n: g for n, g in gradients(single).items() if n.startswith("blocks.2")}
    assert worst_error(mixed, later) < 0.01
    found = gradients(mixed)
    earlier = [g for n, g in found.items() if n.startswith(("blocks.0", "embedding"))]
    assert all(g.isfinite().all() and g.count_nonzero() for g in earlier)


def test_what_overflows_on_its_way_back_is_left_out_and_the_rest_is_kept() -> None:
    x = torch.ones(3, requires_grad=True)
    out = run_scaled(lambda h: 3 * h.half(), x, torch.tensor(2.0**24))
    incoming = torch.tensor([1.0, 2.0**-20, 2.0**-40])
    (gradient,) = torch.autograd.grad(x + out, x, incoming)
    assert torch.equal(gradient, torch.tensor([1.0, 4 * 2.0**-20, 4 * 2.0**-40]))


def test_after_an_overflow_the_next_update_is_taken_with_a_smaller_scale() -> None:
    prior, scale = random_prior(), START
    scaling = half(prior)
    while True:
        set_scales(scaling, {0: scale})
        backward(prior)
        if scaling.settle() == ["the attention of block 1"]:
            break
        scale += CUT // 2
    backward(prior)
    assert scaling.settle() == []
    assert START < scaling.thousandths[0] == scale - CUT + 1


@pytest.mark.parametrize("where", ["a branch with the smallest scale", "the stream"])
def test_where_a_smaller_scale_is_no_help_nothing_is_changed_or_hidden(where: str) -> None:
    prior = random_prior()
    scaling = half(prior)
    set_scales(scaling, {MLP_OF_BLOCK_2: LEAST})
    before = copy.deepcopy(scaling.state_dict())
    broken = "norm.bias" if where == "the stream" else "blocks.1.mlp.0.weight"
    prior.get_parameter(broken).register_hook(lambda gradient: gradient * torch.nan)
    backward(prior)
    assert scaling.settle() == []
    assert not gradients(prior)[broken].isfinite().any()
    assert all(torch.equal(t, before[name]) for name, t in scaling.state_dict().items())


def test_scales_go_on_where_they_were_on_another_number_of_replicas() -> None:
    scaling, other = half(random_prior(), replicas=2), half(random_prior(), replicas=4)
    set_scales(scaling, {0: MOST})
    scaling.since_cut[1] = 7
    other.load_state_dict(scaling.state_dict())
    assert torch.equal(other.since_cut, scaling.since_cut)
    assert torch.equal(other.values(), 2 * scaling.values())


def test_training_follows_float32() -> None:
    losses: dict[str, list[float]] = {"float32": [], "float16": []}
    for precision, curve in losses.items():
        prior = random_prior()
        scaling = half(prior) if precision == "float16" else None
        optimizer = torch.optim.AdamW(prior.parameters(), lr=1e-2)
        for _ in range(20):
            curve.append(backward(prior))
            assert scaling is None or scaling.settle() == []
            optimizer.step()
    assert losses["float32"][-1] < 0.8 * losses["float32"][0]
    assert losses["float16"] == pytest.approx(losses["float32"], rel=0.01)


def test_compiled_it_has_no_break_in_its_graph() -> None:
    layer, scale = torch.nn.Linear(4, 4), torch.tensor(2.0**10)
    x = torch.ones(2, 4, requires_grad=True)

    def loss(x: Tensor) -> Tensor:
        return (x + run_scaled(layer, x, scale)).sum()

    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    (expected,) = torch.autograd.grad(loss(x), x)
    (found,) = torch.autograd.grad(compiled(x), x)
    torch.testing.assert_close(found, expected)
