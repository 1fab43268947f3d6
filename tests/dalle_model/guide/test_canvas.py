import pytest
import torch

from dalle_model.guide.canvas import CodesCanvas, LatentCanvas, latents_of, logits_of
from dalle_model.guide.decoding import Decoding

TABLE = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # 3 codes of 2 values
CODES = torch.tensor([[0, 1], [2, 1]])


@pytest.fixture
def decoding():
    """The values are the first channels of the pixels, so that pictures tell their vectors."""
    return Decoding(TABLE, (2, 2), lambda v: torch.cat([v, v[:, :1] * 0], 1))


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def codes_canvas(decoding, logits, temperature=1.0, mixes=False):
    return CodesCanvas(decoding, logits, temperature, drawn(), mixes=mixes)


def test_probabilities_of_a_position_are_over_codes_and_sum_to_one(decoding):
    logits = torch.randn(4, 3, generator=drawn())
    canvas = codes_canvas(decoding, logits.clone(), 0.5)
    assert torch.allclose(canvas.probabilities().sum(1), torch.ones(4))
    assert torch.allclose(canvas.probabilities(), (2 * logits).softmax(1))
    assert not torch.allclose(canvas.probabilities().sum(0), torch.ones(3))


def test_a_step_draws_codes_by_their_probabilities(decoding):
    """The number of each code at 4,000 positions, within five standard deviations."""
    probabilities = torch.tensor([0.2, 0.5, 0.3])
    many = Decoding(TABLE, (40, 100), decoding.unit)
    canvas = codes_canvas(many, probabilities.log().expand(4000, 3).clone())
    first, second = (canvas.image()[0, :2].detach() for _ in range(2))
    assert not torch.equal(first, second)
    counts = [(first == vector.view(2, 1, 1)).all(0).sum().item() for vector in TABLE]
    assert sum(counts) == 4000  # each is a code, whole
    for count, p in zip(counts, probabilities.tolist(), strict=True):
        assert abs(count - 4000 * p) < 5 * (4000 * p * (1 - p)) ** 0.5


def test_the_gradient_of_a_draw_is_that_of_the_mixture(decoding):
    logits = torch.randn(4, 3, generator=drawn())
    gradients = []
    for mixes in (False, True):
        own = logits.clone()
        weight = torch.randn(1, 3, 2, 2, generator=drawn(1))
        (codes_canvas(decoding, own, mixes=mixes).image() * weight).sum().backward()
        gradients.append(own.grad)
    assert gradients[0] is not None
    assert gradients[0].abs().sum() > 0
    torch.testing.assert_close(gradients[0], gradients[1])


def test_a_mixture_is_the_mean_of_vectors_and_what_is_shown_of_a_draw_the_likeliest(decoding):
    logits = torch.tensor([[9.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]])
    shown = codes_canvas(decoding, logits.clone()).picture()
    assert torch.equal(shown[:, :2], decoding.vectors(CODES))
    mixed = codes_canvas(decoding, logits.clone(), mixes=True).picture()[0, :2].flatten(1).T
    torch.testing.assert_close(mixed, logits.softmax(1) @ TABLE)


def test_given_codes_are_nine_times_as_likely_as_all_others(decoding):
    for temperature in (1.0, 0.3):
        logits = logits_of(decoding, CODES, temperature, drawn())
        canvas = codes_canvas(decoding, logits, temperature)
        of_given = canvas.probabilities().gather(1, CODES.view(4, 1))
        torch.testing.assert_close(of_given, torch.full((4, 1), 0.9))
        assert torch.equal(canvas.picture()[:, :2], decoding.vectors(CODES))


def test_latents_show_their_nearest_code_and_take_its_gradient(decoding):
    z = decoding.vectors(CODES) + 0.2
    canvas = LatentCanvas(decoding, z)
    assert torch.equal(canvas.image()[:, :2].detach(), decoding.vectors(CODES))
    assert torch.equal(canvas.picture(), canvas.image())
    (canvas.image()[:, :2] * 3).sum().backward()
    assert z.grad is not None
    assert z.grad.unique().tolist() == [3]
    canvas.after_step()
    assert (z.min().item(), z.max().item()) == (pytest.approx(0.2), 1)


def test_a_channel_keeps_to_its_own_range_in_the_codebook(decoding):
    decoding = Decoding(TABLE * torch.tensor([1.0, -4.0]), (2, 2), decoding.unit)
    z = torch.tensor([-9.0, 9.0]).expand(1, 2, 2, 2).clone()
    canvas = LatentCanvas(decoding, z)
    canvas.after_step()
    assert z[0, 0].unique().tolist() == [0, 1]
    assert z[0, 1].unique().tolist() == [-4, 0]


def test_without_a_start_codes_are_random(decoding):
    assert torch.equal(latents_of(decoding, CODES, drawn()), decoding.vectors(CODES))
    first, again, other = (latents_of(decoding, None, drawn(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
