import math

import numpy as np
import pytest
import torch

from dalle_model.evaluate.likelihood import (
    bits_per_token,
    caption_nats,
    image_nats,
    is_caption,
    likeliest,
    log_likelihoods,
    perplexity,
    posterior,
)
from dalle_model.prior.model import Prior
from dalle_model.sample.sampler import sample
from tests.support.priors import TINY, random_prior, random_stream


def by_hand(prior: Prior, text: torch.Tensor, image: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The definition in float64, position by position, each softmax as it stands in a textbook."""
    texts, images = prior.double()(text, image)
    prior.float()
    of_text, of_image = np.zeros(text.shape), np.zeros(image.shape)
    for n in range(len(text)):
        for t in range(1, TINY.text_len - 1):
            if text[n, t] < TINY.text_vocab:
                weights = np.exp(texts[n, t - 1].detach().numpy())
                of_text[n, t] = math.log(weights[text[n, t]] / weights.sum())
        for i in range(TINY.grid**2):
            weights = np.exp(images[n, i].detach().numpy())
            of_image[n, i] = math.log(weights[image[n, i]] / weights.sum())
    return of_text, of_image


def test_each_token_is_as_likely_as_the_definition_says() -> None:
    prior, (text, image) = random_prior(), random_stream(4)
    of_text, of_image = by_hand(random_prior(), text, image)
    found_text, found_image = caption_nats(prior, text), image_nats(prior, text, image)
    np.testing.assert_allclose(found_image, of_image, atol=2e-5)
    np.testing.assert_allclose(found_text, of_text, atol=2e-5)
    assert (found_image < 0).all()
    assert (found_text[:, [0, 6, 7, 8, -1]] == 0).all()  # starts and padding
    assert (found_text[:, 1:6] < 0).all()
    assert log_likelihoods(prior, text, image).tolist() == found_image.sum(axis=1).tolist()


def test_likelihoods_of_all_last_tokens_sum_to_that_of_those_before() -> None:
    prior, (text, image) = random_prior(), random_stream(1)
    every = image.repeat(TINY.image_vocab, 1)
    every[:, -1] = torch.arange(TINY.image_vocab)
    total = np.logaddexp.reduce(log_likelihoods(prior, text.repeat(len(every), 1), every))
    assert total == pytest.approx(image_nats(prior, text, image)[0, :-1].sum(), abs=1e-4)


def test_a_likelihood_depends_on_its_own_pair_alone() -> None:
    """To the bit, whatever else is given, in whichever order, with whatever threads."""
    prior, (text, image) = random_prior(), random_stream(9)
    whole, texts = image_nats(prior, text, image), caption_nats(prior, text)
    order = torch.tensor([4, 2, 8, 0, 1, 3, 5, 6, 7])
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert (image_nats(prior, text[order], image[order]) == whole[order]).all()
        assert (caption_nats(prior, text[order[:3]]) == texts[order[:3]]).all()
    finally:
        torch.set_num_threads(before)
    alone = image_nats(prior, text[3:4], image[3:4])
    assert (alone == whole[3:4]).all()


def test_a_caption_is_as_likely_whatever_image_follows() -> None:
    prior, (text, image) = random_prior(), random_stream(2)
    logits, _ = prior(text, image)
    expected = logits.detach().double().log_softmax(dim=-1)
    found = caption_nats(prior, text)[:, 1:6]
    targets = text[:, 1:6, None]
    np.testing.assert_allclose(found, expected[:, :5].gather(2, targets)[..., 0], atol=1e-5)


def test_no_pairs_have_no_likelihoods() -> None:
    prior, (text, image) = random_prior(), random_stream(1)
    assert image_nats(prior, text[:0], image[:0]).shape == (0, 9)
    assert not is_caption(torch.full((1, 10), TINY.text_vocab), TINY).any()


def test_an_image_is_likeliest_under_the_caption_that_it_was_drawn_for() -> None:
    prior, (text, _) = random_prior(), random_stream(5)
    with torch.no_grad():  # else captions change little in what is drawn
        prior.embedding.text_token.weight.mul_(30)
        prior.image_head.weight.mul_(4)
    drawn = sample(prior, text, 40, seed=1)
    own = torch.arange(5).repeat_interleave(40).numpy()
    assert (likeliest(prior, text.expand(200, 5, -1), drawn) == own).mean() > 0.35  # chance is 0.2


def test_shares_follow_by_bayes() -> None:
    image, text = np.log([0.2, 0.1, 0.1]), np.log([0.1, 0.6, 0.1])
    np.testing.assert_allclose(posterior(image), [0.5, 0.25, 0.25])
    np.testing.assert_allclose(posterior(image, text), np.array([2, 6, 1]) / 9)
    np.testing.assert_allclose(posterior([-5000.0, -5000 + math.log(3)]), [0.25, 0.75])
    np.testing.assert_allclose(posterior(image[::-1]), posterior(image)[::-1])


def test_even_chances_among_eight_take_three_bits() -> None:
    nats = 5 * math.log(1 / 8)
    assert perplexity(nats, 5) == pytest.approx(8)
    assert bits_per_token(nats, 5) == pytest.approx(3)
    assert math.isnan(perplexity(0.0, 0))
    assert math.isnan(bits_per_token(0.0, 0))
