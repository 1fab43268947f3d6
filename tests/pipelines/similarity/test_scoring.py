import numpy as np

from dalle_model.pixels import to_png
from pipelines.similarity.scoring import BATCH, detail_of, pair_digest, pair_of, score_rows
from tests.support.image_rows import noise


def rows(number):
    return [
        {"key": f"{n:040x}", "caption": f"{n}", "sha256": f"{n % 7}", "image": to_png(noise(n))}
        for n in range(number)
    ]


class Counting:
    def __init__(self):
        self.calls = []

    def __call__(self, images, captions):
        self.calls.append(len(captions))
        assert all(
            (image == noise(int(c))).all() for image, c in zip(images, captions, strict=True)
        )
        return np.array([int(caption) / 100 for caption in captions], np.float32)


def test_each_row_has_its_own_score_in_few_calls():
    score = Counting()
    found = score_rows(rows(2 * BATCH + 3), score, {})
    assert [one.score for one in found] == [np.float32(n / 100) for n in range(2 * BATCH + 3)]
    assert score.calls == [BATCH, BATCH, 3]


def test_what_is_known_is_not_scored_again():
    score, given = Counting(), rows(5)
    known = {pair_digest(row["sha256"], row["caption"]): 0.5 for row in given[1:4]}
    found = score_rows(given, score, known)
    assert score.calls == [2]
    assert [one.is_known for one in found] == [False, True, True, True, False]
    assert [one.score for one in found] == [0, 0.5, 0.5, 0.5, np.float32(0.04)]


def test_an_image_of_several_captions_is_decoded_once():
    given = [row | {"sha256": "one", "image": rows(1)[0]["image"]} for row in rows(3)] + rows(2)
    seen = []

    def score(images, captions):
        seen.extend(images)
        return np.zeros(len(captions), np.float32)

    score_rows(given, score, {})
    assert seen[0] is seen[1] is seen[2]
    assert seen[3] is not seen[0]


def test_a_broken_image_and_a_score_that_is_none_are_faults():
    given = rows(3)
    given[0]["image"] = b"broken"
    found = score_rows(given, lambda _, captions: np.array([np.nan, 0.25], np.float32), {})
    assert [one.score for one in found] == [None, None, 0.25]
    assert [one.fault for one in found] == ["UnidentifiedImageError", "the scorer says nan", ""]


def test_a_digest_is_of_image_and_caption_and_survives_a_rejection():
    pair = pair_digest("ab", "a dog")
    assert pair != pair_digest("ac", "a dog")
    assert pair != pair_digest("ab", "a cat")
    assert pair_of(detail_of(pair)) == pair_of(detail_of(pair, "en")) == pair
    assert detail_of(5, "en") == "pair 0000000000000005, language en"
    assert pair_of("the scorer says nan") is None
