import numpy as np

from dalle_model.sample.best import draw_best
from dalle_model.sample.images import draw_images
from dalle_model.settings import SampleSettings
from tests.dalle_model.sample.test_images import TRAINED, GreyCodec
from tests.support.priors import CAPTIONS


class Lightness:
    def score(self, images, captions):
        return np.array([image.mean() for image in images], np.float32)


def test_the_lightest_of_each_captions_images_stays_and_all_are_judged() -> None:
    seen, steps = [], []

    def judge(index, images):
        seen.append(index)
        return [bool(image[0, 0, 0] > 100) for image in images]

    best = draw_best(
        TRAINED, GreyCodec(), CAPTIONS, 7, Lightness(), judge, SampleSettings(seed=3),
        lambda done, total, _: steps.append((done, total)),
    )  # fmt: skip
    every = draw_images(TRAINED, GreyCodec(), CAPTIONS, 7, SampleSettings(seed=3))
    lightness = every.mean(axis=(2, 3, 4)).astype(np.float32)
    assert best.numbers.tolist() == lightness.argmax(axis=1).tolist()
    np.testing.assert_array_equal(best.images, every[np.arange(4), best.numbers])
    np.testing.assert_allclose(best.scores, lightness, rtol=1e-6)
    assert best.best_scores == best.scores.max(axis=1).tolist()
    assert seen == [0, 1, 2, 3]
    np.testing.assert_array_equal(best.are_right, every[:, :, 0, 0, 0] > 100)
    assert steps == sorted(steps)
    assert steps[-1] == (28, 28)
