import math
from typing import Any

import pytest
import torch
from torch import Tensor

from dalle_model.config import PRIOR_PRESETS
from dalle_model.prior.model import Prior
from dalle_model.sample.sampler import (
    LAYER_BATCH,
    Given,
    Guidance,
    draw_uniforms,
    pick_codes,
    sample,
)
from dalle_model.threads import torch_threads
from tests.support.priors import TINY, random_prior, random_stream


def uncached_sample(prior: Prior, text: Tensor, n: int, seed: int) -> Tensor:
    """As `sample`, with the whole stream computed anew for each token."""
    text = text.repeat_interleave(n, dim=0)
    uniforms = draw_uniforms(text[::n], range(n), TINY.grid**2, seed)
    image = torch.zeros(len(text), TINY.grid**2, dtype=torch.long)
    with torch.no_grad():
        for position in range(TINY.grid**2):
            logits = prior(text, image)[1][:, position]
            image[:, position] = pick_codes(logits, uniforms[:, position], 1.0, None)
    return image


def test_cached_tokens_equal_uncached_ones() -> None:
    prior, (text, _) = random_prior(), random_stream(3)
    assert torch.equal(sample(prior, text, 2, seed=5), uncached_sample(prior, text, 2, seed=5))


def test_one_caption_gives_n_images() -> None:
    text, _ = random_stream(1)
    drawn = sample(random_prior(), text[0], 4)
    assert drawn.shape == (4, 9)
    assert drawn.dtype == torch.int64
    assert len({tuple(row) for row in drawn.tolist()}) > 1


def logits_of_batch(prior: Prior, text: Tensor, n: int, batch_size: int = 8) -> Tensor:
    """Logits of the images of the first batch, but for their first token, `(B, I - 1, C)`."""
    heard: list[Tensor] = []
    head = prior.image_head
    hook = head.register_forward_hook(lambda _layer, _inputs, logits: heard.append(logits))
    sample(prior, text, n, batch_size=batch_size)
    hook.remove()
    steps = [logits for logits in heard if len(logits) == LAYER_BATCH]
    return torch.stack(steps[: prior.config.grid**2 - 1], dim=1)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_an_image_does_not_depend_on_what_else_is_sampled(threads: int) -> None:
    """Bit for bit, so that no near tie can become another code."""
    torch.manual_seed(0)
    prior, (text, _) = Prior(PRIOR_PRESETS["demo"]).eval(), random_stream(4)
    text = torch.nn.functional.pad(text, (0, 6))
    torch.nn.init.normal_(prior.image_head.weight)
    with torch_threads(threads):
        together = logits_of_batch(prior, text, 2)
        assert torch.equal(logits_of_batch(prior, text[3], 1)[0], together[6])
        assert torch.equal(logits_of_batch(prior, text[1:3], 2, batch_size=4)[:4], together[2:6])


def test_layers_get_batches_of_one_size() -> None:
    prior, (text, _) = random_prior(), random_stream(3)
    sizes = set()
    prior.image_head.register_forward_pre_hook(lambda _, inputs: sizes.add(len(inputs[0])))
    for n, batch_size in ((1, 8), (4, 8), (4, 1), (8, 100)):
        sample(prior, text, n, batch_size=batch_size)
    assert sizes == {1, LAYER_BATCH}  # of a caption, and of images


@pytest.mark.parametrize("guided", [False, True])
def test_an_image_is_that_of_its_number_whatever_is_drawn_and_kept_in_memory(guided: bool) -> None:
    prior, (text, _) = random_prior(), random_stream(3)
    given = Guidance(2.0, random_stream(4)[0][-1]) if guided else None
    drawn = sample(prior, text, 11, seed=3, guidance=given, top_k=9, top_p=0.9).view(3, 11, -1)

    def again(captions: Tensor, n: int, first: int, batch_size: int) -> Tensor:
        codes = sample(
            prior, captions, n, 1.0, 9, 3, first, batch_size, guidance=given, top_p=0.9
        )  # fmt: skip
        return codes.view(-1, n, codes.shape[-1])

    for batch_size in (1, 3, 16, 64):
        assert torch.equal(again(text, 11, 0, batch_size), drawn)
        assert torch.equal(again(text[1:2], 4, 5, batch_size)[0], drawn[1, 5:9])
    assert torch.equal(again(text[[2, 0]], 2, 9, 2), drawn[[2, 0], 9:])


def test_the_uniform_numbers_of_an_image_do_not_depend_on_those_drawn_with_it() -> None:
    text, _ = random_stream(3)
    together = draw_uniforms(text, range(3), 9, seed=1)
    assert torch.equal(draw_uniforms(text[1:2], range(2), 9, seed=1), together[3:5])
    assert torch.equal(draw_uniforms(text[1:2], range(2, 3), 9, seed=1), together[5:6])


def test_seed_decides() -> None:
    prior, (text, _) = random_prior(), random_stream(2)
    assert torch.equal(sample(prior, text, 4, seed=1), sample(prior, text, 4, seed=1))
    assert not torch.equal(sample(prior, text, 4, seed=1), sample(prior, text, 4, seed=2))


def test_temperature_zero_and_top_1_take_the_likeliest() -> None:
    prior, (text, _) = random_prior(), random_stream(2)
    greedy = sample(prior, text, 1, temperature=0)
    assert torch.equal(sample(prior, text, 1, top_k=1), greedy)
    with torch.no_grad():
        assert torch.equal(greedy[:, 0], prior.prefill(text)[0].argmax(dim=-1))


def guided_sample(prior: Prior, text: Tensor, guidance: Guidance) -> Tensor:
    """The likeliest codes, with both streams computed anew for each token."""
    image = torch.zeros(len(text), TINY.grid**2, dtype=torch.long)
    empty = guidance.empty.expand_as(text)
    with torch.no_grad():
        for position in range(TINY.grid**2):
            with_it, without_it = (prior(t, image)[1][:, position] for t in (text, empty))
            logits = (1 - guidance.scale) * without_it + guidance.scale * with_it
            image[:, position] = logits.argmax(dim=-1)
    return image


def test_guided_tokens_equal_those_of_two_whole_streams() -> None:
    prior, (text, _) = random_prior(), random_stream(3)
    guidance = Guidance(3.0, random_stream(4)[0][-1])
    guided = sample(prior, text, 2, temperature=0, guidance=guidance)
    assert torch.equal(guided[::2], guided_sample(prior, text, guidance))
    assert torch.equal(guided[1::2], guided[::2])
    assert not torch.equal(guided[::2], sample(prior, text, 1, temperature=0))


def test_guidance_by_0_ignores_the_caption_and_by_1_all_but_it() -> None:
    prior, (text, _) = random_prior(), random_stream(3)
    empty = random_stream(4)[0][-1]
    ignoring = sample(prior, text, 1, temperature=0, guidance=Guidance(0.0, empty))
    assert torch.equal(ignoring, sample(prior, empty, 1, temperature=0).expand(3, -1))
    plain = sample(prior, text, 1, temperature=0, guidance=Guidance(1.0, empty))
    assert torch.equal(plain, sample(prior, text, 1, temperature=0))


def test_codes_are_drawn_as_often_as_they_are_likely() -> None:
    shares = torch.tensor([0.5, 0.125, 0.0, 0.375])
    uniforms = (torch.arange(800, dtype=torch.float64) + 0.5) / 800
    drawn = pick_codes(shares.log().expand(800, 4), uniforms, 1.0, None)
    assert torch.bincount(drawn, minlength=4).tolist() == [400, 100, 0, 300]
    sharper = pick_codes(shares.log().expand(800, 4), uniforms, 0.5, top_k=2)
    assert torch.bincount(sharper, minlength=4).tolist() == [512, 0, 0, 288]


def kept_by_definition(logits: list[float], temperature: float, k: int, p: float) -> list[float]:
    """Shares after all three, one code at a time."""
    top = max(logits)
    weights = [math.exp((x - top) / temperature) for x in logits]
    order = sorted(range(len(logits)), key=lambda code: (-logits[code], code))[:k]
    whole = sum(weights[code] for code in order)
    kept, share = [], 0.0
    for code in order:
        if share >= p:
            break
        kept.append(code)
        share += weights[code] / whole
    left = sum(weights[code] for code in kept)
    return [weights[code] / left if code in kept else 0.0 for code in range(len(logits))]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("k", [1, 3, 12])
@pytest.mark.parametrize("p", [1e-9, 0.4, 0.95, 1.0])
def test_a_code_is_drawn_as_top_k_and_top_p_define(temperature: float, k: int, p: float) -> None:
    """Codes tie in the first logits, of which the lower ones are to stay."""
    draw = torch.Generator().manual_seed(1)
    many = torch.cat(
        [torch.randint(3, (4, 12), generator=draw), 3 * torch.randn(4, 12, generator=draw)]
    )
    uniforms = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    for logits in many.float():
        drawn = pick_codes(logits.expand(1000, 12), uniforms, temperature, k, p)
        shares = torch.bincount(drawn, minlength=12) / 1000
        expected = torch.tensor(kept_by_definition(logits.tolist(), temperature, k, p))
        assert not shares[expected == 0].any()
        torch.testing.assert_close(shares, expected, rtol=0, atol=2e-3)


def given_sample(prior: Prior, text: Tensor, given: Given, n: int, seed: int) -> Tensor:
    """As `sample`, by whole streams that hold the given codes."""
    uniforms = draw_uniforms(text, range(n), TINY.grid**2, seed)
    image = torch.zeros(n, TINY.grid**2, dtype=torch.long)
    with torch.no_grad():
        for position in range(TINY.grid**2):
            logits = prior(text.expand(n, -1), image)[1][:, position]
            drawn = pick_codes(logits, uniforms[:, position], 1.0, None)
            kept = given.is_kept[position]
            image[:, position] = given.codes[position] if kept else drawn
    return image


@pytest.mark.parametrize("kept", [[0, 1, 2, 3, 4], [0, 1, 3, 4, 6, 7], [8], []])
def test_given_codes_stay_and_are_read_by_those_behind_them(kept: list[int]) -> None:
    prior, (text, image) = random_prior(), random_stream(1)
    is_kept = torch.tensor([position in kept for position in range(9)])
    given = Given(image[0], is_kept)
    drawn = sample(prior, text, 5, seed=2, given=given)
    assert torch.equal(drawn, given_sample(prior, text, given, 5, seed=2))
    assert torch.equal(drawn[:, is_kept], image[:, is_kept].expand(5, -1))
    free = sample(prior, text, 5, seed=2)
    first = is_kept.tolist().index(True) if kept else 9
    assert torch.equal(drawn[:, :first], free[:, :first])
    assert torch.equal(drawn, free) == (not kept)


def test_how_many_given_codes_those_before_them_do_not_see() -> None:
    codes = torch.zeros(9, dtype=torch.long)
    for kept, unseen in (([], 0), (range(9), 0), (range(5), 0), ([8], 1), ([0, 1, 3, 4, 6], 3)):
        is_kept = torch.tensor([position in kept for position in range(9)])
        assert Given(codes, is_kept).num_unseen() == unseen


def test_codes_of_another_image_are_refused() -> None:
    prior, (text, image) = random_prior(), random_stream(1)
    every = torch.ones(9, dtype=torch.bool)
    for given, said in (
        (Given(image[0, :8], every[:8]), r"has \(9,\)"),
        (Given(image[0] + 16, every), r"in \[0, 15\]"),
        (Given(image[0] - 16, every), r"in \[0, 15\]"),
    ):
        with pytest.raises(ValueError, match=said):
            sample(prior, text, 1, given=given)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 0},
        {"n": 1, "temperature": -1},
        {"n": 1, "top_k": 0},
        {"n": 1, "batch_size": 0},
        {"n": 1, "seed": -1},
        {"n": 1, "first": -1},
        {"n": 1, "top_p": 0.0},
        {"n": 1, "top_p": 2.0},
        {"n": 1, "top_p": math.nan},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    text, _ = random_stream(1)
    with pytest.raises(ValueError, match="sampling needs n >= 1"):
        sample(random_prior(), text, **wrong)
