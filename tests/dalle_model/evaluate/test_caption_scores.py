import numpy as np
import pytest
import torch

from dalle_model.evaluate.caption_scores import score_captions
from dalle_model.evaluate.likelihood import caption_nats, image_nats, posterior
from tests.dalle_model.sample.test_images import TRAINED, GreyCodec
from tests.support.priors import CAPTIONS, TINY

IMAGE = (np.arange(27).reshape(3, 3, 3) * 9).astype(np.uint8)


def test_captions_come_by_the_likelihood_of_the_image() -> None:
    found = score_captions(TRAINED, GreyCodec(), CAPTIONS, IMAGE)
    ids = TRAINED.tokenizer.encode_batch(CAPTIONS, TINY.text_len, TINY.text_vocab)
    text = torch.from_numpy(ids)
    codes = torch.from_numpy(GreyCodec().encode(IMAGE[None]).astype(np.int64))
    nats = image_nats(TRAINED.prior, text, codes.expand(4, -1))
    order = np.argsort(-nats.sum(axis=1))
    assert [one.caption for one in found] == [CAPTIONS[i] for i in order]
    shares = posterior(nats.sum(axis=1))
    with_text = posterior(nats.sum(axis=1), caption_nats(TRAINED.prior, text).sum(axis=1))
    for one, i in zip(found, order, strict=True):
        assert one.image is not None
        np.testing.assert_array_equal(one.image.grid, nats[i].reshape(3, 3))
        assert one.image.nats == pytest.approx(nats[i].sum())
        assert (one.image.share, one.image.share_with_text) == (shares[i], with_text[i])
        assert one.tokens == min(len(TRAINED.tokenizer.encode(one.caption)), TINY.text_len - 2)


def test_a_caption_is_scored_alike_wherever_it_stands_and_whatever_stands_beside_it() -> None:
    found = {one.caption: one for one in score_captions(TRAINED, GreyCodec(), CAPTIONS, IMAGE)}
    for one in score_captions(TRAINED, GreyCodec(), CAPTIONS[:0:-1], IMAGE):
        same = found[one.caption]
        assert one.image
        assert same.image
        assert (one.nats, one.image.nats) == (same.nats, same.image.nats)


def test_without_an_image_captions_stay_in_their_order() -> None:
    found = score_captions(TRAINED, GreyCodec(), [*CAPTIONS, ""])
    assert [one.caption for one in found] == [*CAPTIONS, ""]
    assert all(one.image is None for one in found)
    assert (found[-1].tokens, found[-1].nats) == (0, 0)
