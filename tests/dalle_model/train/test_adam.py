import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Shard, distribute_tensor
from torch.optim import AdamW

from dalle_model.train.adam import PaperAdamW
from dalle_model.train.formats import MEAN_FORMAT, VARIANCE_FORMAT, SmallFloat

RATE, BETAS, EPS, DECAY = 0.03, (0.9, 0.96), 1e-8, 0.1
PAPER = {"second_moment_max": 5.0, "has_small_moments": True}


def gradients(scale: float, steps: int = 12) -> list[Tensor]:
    draw = torch.Generator().manual_seed(0)
    return [torch.randn(5, 7, generator=draw) * scale for _ in range(steps)]


def weight() -> nn.Parameter:
    return nn.Parameter(torch.randn(5, 7, generator=torch.Generator().manual_seed(1)))


def paper_adamw(params, **values) -> PaperAdamW:
    return PaperAdamW(params, lr=RATE, betas=BETAS, weight_decay=DECAY, **values)


def run(optimizer: torch.optim.Optimizer, trained: Tensor, steps: list[Tensor]) -> Tensor:
    for gradient in steps:
        trained.grad = gradient.clone()
        optimizer.step()
    return trained.detach()


def slowly(steps: list[Tensor], limit: float, small: bool) -> Tensor:
    """AdamW of Loshchilov & Hutter 2019, algorithm 2, in float64, with the paper's two changes."""

    def kept(x: Tensor, form: SmallFloat) -> Tensor:
        return form.decode(form.encode(x.float())).double() if small else x

    w = weight().detach().double()
    mean = variance = torch.zeros_like(w)
    for number, gradient in enumerate(steps, start=1):
        g = gradient.double()
        mean = BETAS[0] * mean + (1 - BETAS[0]) * g
        variance = (BETAS[1] * variance + (1 - BETAS[1]) * g * g).clamp(max=limit)
        corrected = mean / (1 - BETAS[0] ** number)
        root = (variance / (1 - BETAS[1] ** number)).sqrt()
        w = w - RATE * (corrected / (root + EPS) + DECAY * w)
        mean, variance = kept(mean, MEAN_FORMAT), kept(variance, VARIANCE_FORMAT)
    return w.float()


@pytest.mark.parametrize("scale", [1e-6, 1.0])
def test_with_neither_bound_nor_small_moments_it_is_torchs_bit_for_bit(scale: float) -> None:
    ours, theirs = weight(), weight()
    reference = AdamW([theirs], lr=RATE, betas=BETAS, eps=EPS, weight_decay=DECAY, foreach=False)
    run(paper_adamw([ours]), ours, gradients(scale))
    assert torch.equal(ours, run(reference, theirs, gradients(scale)))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 6.0])
@pytest.mark.parametrize("small", [False, True])
def test_it_follows_the_definition(scale: float, small: bool) -> None:
    ours = weight()
    optimizer = paper_adamw([ours], second_moment_max=5.0, has_small_moments=small)
    found, expected = run(optimizer, ours, gradients(scale)), slowly(gradients(scale), 5.0, small)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=2e-5)


def test_the_bound_cuts_the_variance_and_so_lengthens_the_step() -> None:
    moved = {}
    for limit in (5.0, math.inf):
        ours = nn.Parameter(torch.zeros(1))
        optimizer = PaperAdamW([ours], lr=1.0, betas=(0.9, 0.96), second_moment_max=limit)
        run(optimizer, ours, [torch.full((1,), 100.0)])
        moved[limit] = -ours.item()
        assert optimizer.state[ours]["exp_avg_sq"].item() == pytest.approx(min(limit, 400))
    # One step of AdamW is the learning rate; the bound makes the root sqrt(5 / 0.04), not 100.
    assert moved == pytest.approx({math.inf: 1.0, 5.0: 100 / (5 / 0.04) ** 0.5})


def test_small_moments_take_half_the_memory_and_stop_at_their_largest_number() -> None:
    ours = weight()
    optimizer = paper_adamw([ours], has_small_moments=True)
    run(optimizer, ours, [torch.full((5, 7), 1e6)] * 3)
    state = optimizer.state[ours]
    assert {state["exp_avg"].dtype, state["exp_avg_sq"].dtype} == {torch.int16}
    assert MEAN_FORMAT.decode(state["exp_avg"]).unique().tolist() == [MEAN_FORMAT.largest]
    assert VARIANCE_FORMAT.decode(state["exp_avg_sq"]).unique().tolist() == [
        VARIANCE_FORMAT.largest
    ]
    assert ours.isfinite().all()


def test_small_moments_learn_a_line_as_well_as_large_ones() -> None:
    draw = torch.Generator().manual_seed(2)
    x, true = torch.randn(256, 8, generator=draw), torch.randn(8, generator=draw)
    y = x @ true + 0.1 * torch.randn(256, generator=draw)
    losses = {}
    for small in (False, True):
        line = nn.Parameter(torch.zeros(8))
        optimizer = PaperAdamW([line], lr=0.03, betas=BETAS, has_small_moments=small)
        for _ in range(200):
            loss = (x @ line - y).square().mean()
            (line.grad,) = torch.autograd.grad(loss, line)
            optimizer.step()
            losses[small] = loss.item()
    assert losses[False] < 0.02
    assert losses[True] == pytest.approx(losses[False], rel=0.02)


@pytest.mark.parametrize("door", ["torch", "distributed checkpoint"])
def test_a_run_that_goes_on_from_its_state_is_bit_for_bit_one_that_never_stopped(door) -> None:
    model, steps = nn.Linear(7, 5, bias=False), gradients(1.0)
    optimizer = paper_adamw(model.parameters(), **PAPER)
    run(optimizer, model.weight, steps[:6])
    resumed = nn.Linear(7, 5, bias=False)
    resumed.load_state_dict(model.state_dict())
    other = paper_adamw(resumed.parameters(), **PAPER)
    if door == "torch":
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    else:
        saved = copy.deepcopy(get_optimizer_state_dict(model, optimizer))
        set_optimizer_state_dict(resumed, other, saved)
    assert other.state[resumed.weight]["exp_avg"].dtype == torch.int16
    assert torch.equal(
        run(optimizer, model.weight, steps[6:]), run(other, resumed.weight, steps[6:])
    )


@pytest.mark.parametrize("small", [False, True])
def test_sharded_weights_move_as_whole_ones(small: bool, tmp_path) -> None:
    address = f"file://{tmp_path}/store"
    torch.distributed.init_process_group("gloo", address, rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        whole = weight()
        shared = nn.Parameter(distribute_tensor(whole.detach().clone(), mesh, [Shard(0)]))
        values = {"second_moment_max": 5.0, "has_small_moments": small}
        ours, theirs = paper_adamw([whole], **values), paper_adamw([shared], **values)
        for gradient in gradients(1.0):
            whole.grad = gradient
            shared.grad = distribute_tensor(gradient.clone(), mesh, [Shard(0)])
            ours.step()
            theirs.step()
        state = theirs.state[shared]["exp_avg"]
        assert isinstance(state, DTensor)
        assert isinstance(shared, DTensor)
        assert torch.equal(whole, shared.full_tensor())
    finally:
        torch.distributed.destroy_process_group()
