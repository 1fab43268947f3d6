import numpy as np
import pytest

from dalle_model.clip.clip_scorer import ClipScorer
from dalle_model.clip.registry import load_scorer
from dalle_model.clip.scorer import ScorerError
from dalle_model.sample.rerank import rerank
from tests.support.clips import random_images


class Given:
    """A plain scorer: the first byte of an image is its score, 255 has none."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def score(self, images, captions):
        self.seen += captions
        return np.array([np.nan if i[0, 0, 0] == 255 else i[0, 0, 0] for i in images], np.float32)


class Counting:
    """An embedder that counts the texts it reads."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_images(self, images):
        rows = np.array([i[0, 0, :2] for i in images], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def embed_texts(self, captions):
        self.texts += captions
        return np.array([[1, 0]] * len(captions), np.float32)

    def score(self, images, captions):
        raise AssertionError("reads the caption once for each image")


def images_of(*first):
    return [np.full((2, 2, 3), value, np.uint8) for value in first]


def test_the_best_is_first_and_equal_ones_stay_as_they_were_drawn() -> None:
    found = rerank(images_of(3, 9, 3, 9, 1), "a cat", scorer := Given())
    assert found.order.tolist() == [1, 3, 0, 2, 4]
    assert found.scores.tolist() == [3, 9, 3, 9, 1]
    assert found.order.dtype == np.int64
    assert found.scores.dtype == np.float32
    assert scorer.seen == ["a cat"] * 5


def test_more_images_than_the_papers_keep_the_order_of_equal_ones() -> None:
    assert rerank(images_of(*[5] * 600), "", Given()).order.tolist() == list(range(600))


def test_an_embedder_reads_the_caption_once() -> None:
    pixels = np.array([[1, 1], [5, 0], [0, 5]], np.uint8)
    images = [np.array([[[*pair, 0]]], np.uint8) for pair in pixels]
    found = rerank(images, "a cat", scorer := Counting())
    assert scorer.texts == ["a cat"]
    assert found.order.tolist() == [1, 0, 2]
    np.testing.assert_allclose(found.scores, [2**-0.5, 1, 0], rtol=1e-6)


def test_scores_are_bit_for_bit_those_of_the_scorer_whatever_else_is_given() -> None:
    scorer, images = load_scorer("demo"), random_images(3)
    assert isinstance(scorer, ClipScorer)
    found = rerank(images, "a red circle", scorer).scores
    assert found.tolist() == scorer.score(images, ["a red circle"] * 3).tolist()
    assert rerank(images[1:2], "a red circle", scorer).scores.tolist() == [found[1]]


def test_no_images_have_no_order() -> None:
    assert rerank([], "a cat", Given()).order.shape == (0,)


def test_an_image_without_a_score_is_named() -> None:
    with pytest.raises(ScorerError, match=r"NaN to 2 of 4 images of 'a cat', image 1 the first"):
        rerank(images_of(3, 255, 3, 255), "a cat", Given())
