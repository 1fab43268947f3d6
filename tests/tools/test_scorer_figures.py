import numpy as np
import pyarrow as pa

from dalle_model.pixels import to_png
from tests.support.pairs import pair
from tools.scorer_figures import described, distances, first_rows, scored


class Reds:
    """Finds captions that say red fitting for images that are red on the left."""

    def score(self, images, captions):
        pairs = zip(images, captions, strict=True)
        return np.array([(image[0, 0, 0] > 200) == ("red" in text) for image, text in pairs], "f4")


def test_of_each_image_the_first_row_is_taken():
    keys = [f"{image:024x}{caption:016x}" for image, caption in ((1, 0), (1, 3), (2, 1), (3, 0))]
    assert first_rows(keys) == [0, 2, 3]


def test_distances_are_to_the_nearest():
    one, to = np.array([0b1111, 0], np.uint64), np.array([0b0111, 0b11110000], np.uint64)
    assert distances(one, to).tolist() == [1, 3]


def test_own_captions_are_scored_beside_the_next_other_ones():
    red = np.full((8, 8, 3), (255, 0, 0), np.uint8)
    images = [to_png(red), to_png(pair(0)[0] // 2), to_png(red)]
    rows = pa.table({"image": images, "caption": ["red", "blue", "red"]})
    own, other = scored(Reds(), rows)
    assert own.tolist() == [1, 1, 1]
    assert other.tolist() == [0, 0, 0]


def test_figures_are_told_in_words():
    own, other = np.array([0.9] * 19 + [0.1], "f4"), np.array([0.2] * 10 + [0.95] * 10, "f4")
    said = described(own, other)
    assert said.startswith("20 pairs, AUC 0.47")
    assert described(own[:0], other[:0]) == "no pairs"
