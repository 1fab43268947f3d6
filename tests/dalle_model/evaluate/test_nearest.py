import numpy as np
import pytest

from dalle_model.evaluate.nearest import nearest


def random_images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3)).astype(np.uint8)


def test_equals_the_slow_reference() -> None:
    samples, gallery = random_images(300, 1), random_images(40, 2)
    expected = [
        min(range(40), key=lambda g: int(((s.astype(int) - gallery[g]) ** 2).sum()))
        for s in samples
    ]
    assert nearest(samples, gallery).tolist() == expected


def test_of_equally_near_images_the_first_wins() -> None:
    gallery = np.concatenate([random_images(3), random_images(3)])
    assert nearest(random_images(3), gallery).tolist() == [0, 1, 2]


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match=r"can(not)? be compared"):
        nearest(random_images(2), random_images(0))
