from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from dalle_model.prior.loss import stream_loss
from dalle_model.prior.model import Prior
from dalle_model.train.compression import num_sent
from dalle_model.train.formats import MEAN_FORMAT
from dalle_model.train.powersgd import (
    FLOAT32,
    CompressionError,
    Format,
    PowerSgd,
    orthonormal,
)
from tests.support.priors import TINY, random_prior
from tests.support.ranks import in_ranks

# Of random_prior: three blocks of width 16, of whose matrices 48 x 16 is tall and 16 x 64 wide.
RANK = 4


def reducer(numbers: Format = FLOAT32) -> tuple[nn.Module, PowerSgd]:
    if not dist.is_initialized():
        dist.init_process_group("gloo")
    model = random_prior()
    return model, PowerSgd(model, RANK, seed=3, numbers=numbers)


def draw_gradients(model: nn.Module, step: int) -> dict[str, Tensor]:
    noise = torch.Generator().manual_seed(100 * step + dist.get_rank())
    for weight in model.parameters():
        weight.grad = torch.randn(weight.shape, generator=noise)
    return gradients(model)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: w.grad.clone() for name, w in model.named_parameters() if w.grad is not None}


def two_steps() -> dict[str, object]:
    """Reduce two gradients; what went in and what came out."""
    model, power = reducer()
    given, sent, norms = [], [], []
    for step in range(2):
        given.append(draw_gradients(model, step))
        norms.append(power.reduce())
        sent.append(gradients(model))
    errors = {matrix.name: matrix.laid_back(matrix.error) for matrix in power.matrices}
    return {
        "given": given, "sent": sent, "norms": norms, "errors": errors,
        "bytes": power.bytes_sent, "saved": power.state_dict(),
    }  # fmt: skip


@pytest.fixture(scope="module")
def replicas() -> list[dict[str, object]]:
    return in_ranks(2, two_steps)


def test_what_was_sent_and_what_is_left_over_is_the_gradient(replicas) -> None:
    """Summed over steps and replicas, to the rounding of float32."""
    names = replicas[0]["errors"].keys()
    assert len(names) == 12
    for name in names:
        given = sum(step[name] for replica in replicas for step in replica["given"])
        sent = sum(step[name] for step in replicas[0]["sent"])
        left_over = sum(replica["errors"][name] for replica in replicas)
        torch.testing.assert_close(sent + left_over, given, rtol=0, atol=2e-5)
        assert torch.linalg.matrix_rank(replicas[0]["sent"][0][name]) == RANK


def test_what_is_not_compressed_is_the_exact_sum(replicas) -> None:
    first, second = replicas
    rest = first["given"][0].keys() - first["errors"].keys()
    assert {"embedding.row.weight", "image_head.weight", "blocks.0.mlp.0.bias"} < rest
    for name in rest:
        total = first["given"][0][name] + second["given"][0][name]
        assert torch.equal(first["sent"][0][name], total)


def test_all_replicas_have_the_same_gradients_and_their_norm(replicas) -> None:
    first, second = replicas
    for step in range(2):
        sent = first["sent"][step]
        assert all(torch.equal(g, second["sent"][step][name]) for name, g in sent.items())
        norm = torch.stack([g.norm() for g in sent.values()]).norm()
        torch.testing.assert_close(first["norms"][step], norm)


def test_bytes_are_those_of_the_formula(replicas) -> None:
    """And of one number that says whether a gradient is not finite."""
    given, compressed = replicas[0]["given"][0], replicas[0]["errors"]
    numbers = sum(
        num_sent(tuple(g.shape), RANK) if name in compressed else g.numel()
        for name, g in given.items()
    )
    assert replicas[0]["bytes"] == 2 * 4 * (numbers + 1)


def test_the_first_product_is_that_of_a_plain_reference(replicas) -> None:
    """P by the normal equations instead of reflections: the projection onto the same columns."""
    noise = torch.Generator().manual_seed(3)
    for name in replicas[0]["errors"]:
        total = (replicas[0]["given"][0][name] + replicas[1]["given"][0][name]).double()
        wide = total.T if total.shape[0] > total.shape[1] else total
        noise_nr = torch.randn(wide.shape[1], RANK, generator=noise).double()
        columns_mr = wide @ noise_nr
        sent = columns_mr @ torch.linalg.lstsq(columns_mr, wide).solution
        sent = sent.T if total.shape[0] > total.shape[1] else sent
        torch.testing.assert_close(replicas[0]["sent"][0][name].double(), sent, rtol=0, atol=1e-4)


def test_the_sum_of_the_error_buffers_is_saved(replicas) -> None:
    for name, saved in replicas[0]["saved"].items():
        left_over = replicas[0]["errors"][name] + replicas[1]["errors"][name]
        torch.testing.assert_close(saved, left_over, rtol=0, atol=0)


def resumed(saved: dict[str, Tensor]) -> dict[str, Tensor]:
    _, power = reducer()
    power.load_state_dict(saved)
    return power.state_dict()


def test_other_numbers_of_replicas_share_what_was_saved(replicas) -> None:
    saved = replicas[0]["saved"]
    for again in in_ranks(4, resumed, saved):
        for name, error in again.items():
            torch.testing.assert_close(error, saved[name], rtol=0, atol=1e-6)


def test_a_basis_is_orthonormal_even_of_nearly_dependent_columns() -> None:
    """Of these, Gram and Schmidt's way makes columns of which some are equal."""
    noise = torch.Generator().manual_seed(0)
    one = torch.randn(64, 1, generator=noise)
    nearly = one + 1e-4 * torch.randn(64, 32, generator=noise)
    for p_mr in (nearly, torch.zeros(64, 32)):
        basis = orthonormal(p_mr)
        torch.testing.assert_close(basis.T @ basis, torch.eye(32), rtol=0, atol=1e-6)


def test_a_rank_at_which_nothing_gets_smaller_is_refused() -> None:
    with pytest.raises(CompressionError, match="rank 13 compresses no gradient"):
        PowerSgd(random_prior(), rank=13)


def with_a_fault(place: str, value: float) -> tuple[float, float, dict[str, Tensor]]:
    """A step in which one gradient of rank 1 has a number that is not finite."""
    model, power = reducer()
    draw_gradients(model, 0)
    if dist.get_rank() == 1:
        gradient = dict(model.named_parameters())[place].grad
        assert gradient is not None
        gradient.view(-1)[5] = value
    failed = power.reduce()
    errors = {matrix.name: matrix.error.clone() for matrix in power.matrices}
    draw_gradients(model, 1)
    return failed.item(), power.reduce().item(), errors


@pytest.mark.parametrize(
    ("place", "value"),
    [("blocks.1.mlp.0.weight", torch.nan), ("image_head.weight", torch.inf)],
)
def test_a_gradient_that_is_not_finite_skips_the_update_of_all(place: str, value: float) -> None:
    for failed, after, errors in in_ranks(2, with_a_fault, place, value):
        assert failed == torch.inf
        assert after < torch.inf
        assert all(error.isfinite().all() for error in errors.values())


def rounded_step() -> tuple[float, dict[str, Tensor]]:
    model, power = reducer(MEAN_FORMAT)
    draw_gradients(model, 0)
    norm = power.reduce()
    return norm.item(), {matrix.name: matrix.error for matrix in power.matrices}


def rounded(x: Tensor) -> Tensor:
    return MEAN_FORMAT.decode(MEAN_FORMAT.encode(x))


def test_factors_and_error_buffers_are_rounded_and_what_overflows_is_clamped() -> None:
    """Numbers in P have a standard deviation of 8 or 11, so that many overflow."""
    for norm, errors in in_ranks(2, rounded_step):
        assert norm < torch.inf
        assert all(torch.equal(rounded(error), error) for error in errors.values())


def noisy_pairs(number: int, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """Captions of one word, and images of which seven in ten tokens are that word."""
    word = torch.randint(TINY.image_vocab, (number, 1), generator=noise)
    shape = number, TINY.grid**2
    other = torch.randint(TINY.image_vocab, shape, generator=noise)
    is_other = torch.rand(shape, generator=noise) < 0.3
    return word.expand(number, TINY.text_len), torch.where(is_other, other, word)


def final_losses() -> list[float]:
    """Of the end of a training without and with compression; each rank has rows of its own."""
    dist.init_process_group("gloo")
    return [_train(is_compressed) for is_compressed in (False, True)]


def _train(is_compressed: bool) -> float:
    """Mean over ranks and the last 20 of 120 steps."""
    torch.manual_seed(0)
    model, noise, losses = Prior(TINY), torch.Generator().manual_seed(dist.get_rank()), []
    power = PowerSgd(model, RANK, numbers=MEAN_FORMAT)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(120):
        text, image = noisy_pairs(32, noise)
        text_logits, image_logits = model(text, image)
        text_ce, image_ce = stream_loss(text_logits, image_logits, text, image)
        mean = text_ce / text[:, 1:].numel() / 8 + image_ce / image.numel() * 7 / 8
        loss = mean / dist.get_world_size()
        optimizer.zero_grad()
        loss.backward()
        if is_compressed:
            power.reduce()
        else:
            _add_up(list(gradients_of(model)))
        optimizer.step()
        losses.append(loss.detach())
    total = torch.stack(losses[-20:]).mean()
    dist.all_reduce(total)
    return total.item()


def gradients_of(model: nn.Module) -> Iterator[Tensor]:
    return (weight.grad for weight in model.parameters() if weight.grad is not None)


def _add_up(gradients: list[Tensor]) -> None:
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    sums = flat.split([gradient.numel() for gradient in gradients])
    for gradient, total in zip(gradients, sums, strict=True):
        gradient.copy_(total.view_as(gradient))


def test_a_training_ends_within_2_percent_of_one_without_compression() -> None:
    """All of it in 16 bits.

    No model does better than 1.19 on these pairs, and one that sees no caption 2.3.
    """
    (dense, compressed), other = in_ranks(2, final_losses)
    assert [dense, compressed] == other
    assert 1.19 < dense < 1.25
    assert abs(compressed / dense - 1) < 0.02
