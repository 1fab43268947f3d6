import torch

from dalle_model.evaluate.likelihood import likeliest, log_likelihoods
from dalle_model.sample.sampler import sample
from tests.support.priors import TINY, random_prior, random_stream


def test_likelihoods_of_all_last_tokens_sum_to_that_of_those_before() -> None:
    prior, (text, image) = random_prior(), random_stream(1)
    every = image.repeat(TINY.image_vocab, 1)
    every[:, -1] = torch.arange(TINY.image_vocab)
    total = log_likelihoods(prior, text.repeat(TINY.image_vocab, 1), every).logsumexp(dim=0)
    with torch.no_grad():
        logits = prior(text, image)[1][0, :-1].log_softmax(dim=-1)
    torch.testing.assert_close(total, logits.gather(1, image[0, :-1, None]).sum())


def test_batches_change_nothing() -> None:
    prior, (text, image) = random_prior(), random_stream(70)
    whole = log_likelihoods(prior, text, image)
    torch.testing.assert_close(whole[65:], log_likelihoods(prior, text[65:], image[65:]))


def test_an_image_is_likeliest_under_the_caption_that_it_was_drawn_for() -> None:
    prior, (text, _) = random_prior(), random_stream(5)
    with torch.no_grad():  # else captions change little in what is drawn
        prior.embedding.text_token.weight.mul_(30)
        prior.image_head.weight.mul_(4)
    drawn = sample(prior, text, 100, seed=1)
    own = torch.arange(5).repeat_interleave(100).numpy()
    assert (likeliest(prior, text.expand(500, 5, -1), drawn) == own).mean() > 0.35  # chance is 0.2
