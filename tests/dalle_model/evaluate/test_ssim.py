import numpy as np
import pytest
from skimage.metrics import structural_similarity

from dalle_model.evaluate.ssim import ssim

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 23, 31, 3), np.uint8)
NOISY = np.clip(IMAGES + RNG.normal(0, 40, IMAGES.shape), 0, 255).astype(np.uint8)


def test_as_scikit_image():
    expected = [
        structural_similarity(
            one,
            other,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            channel_axis=-1,
            data_range=255,
        )
        for one, other in zip(IMAGES, NOISY, strict=True)
    ]
    assert ssim(IMAGES, NOISY) == pytest.approx(expected, rel=1e-9)


def test_equal_images_are_1_and_each_is_judged_alone():
    assert ssim(IMAGES, IMAGES) == pytest.approx([1, 1])
    assert ssim(IMAGES[1:], NOISY[1:])[0] == ssim(IMAGES, NOISY)[1]


def test_small_and_unequal_images_are_refused():
    with pytest.raises(ValueError, match="edges of 11 px"):
        ssim(IMAGES[:, :10], NOISY[:, :10])
    with pytest.raises(ValueError, match="cannot compare"):
        ssim(IMAGES, NOISY[:, :20])
