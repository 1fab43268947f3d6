from typing import Any

import numpy as np
import pytest

from dalle_model.evaluate.reconstruction import psnr
from dalle_model.evaluate.samples import ScoredSamples, score_samples

GALLERY = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 3)).astype(np.uint8)
NAMES = [f"image {n}" for n in range(8)]
NOISY = np.clip(GALLERY[:4].astype(int) + 3, 0, 255).astype(np.uint8)


def score(**changes: Any) -> ScoredSamples:
    given = {
        "samples": NOISY,
        "own_names": [NAMES[n] for n in (0, 1, 2, 7)],
        "originals": GALLERY[[0, 1, 2, 7]],
        "reconstructions": NOISY,
        "gallery": GALLERY,
        "gallery_names": NAMES,
    }
    return score_samples(**(given | changes))


def test_rate_and_chance() -> None:
    found = score().score
    assert (found.rate, found.chance) == (0.75, 1 / 8)
    assert (found.captions, found.on_own_image, found.gallery) == (4, 3, 8)
    assert found.reconstruction_psnr == psnr(GALLERY[[0, 1, 2, 7]], NOISY)


def test_each_sample_has_its_nearest_image() -> None:
    found = score()
    assert found.nearest == NAMES[:4]
    assert found.is_own == [True, True, True, False]


def test_an_own_image_outside_the_gallery_is_never_found() -> None:
    assert score(own_names=["elsewhere"] * 4).score.rate == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"own_names": NAMES[:1]}, "4 samples with 1 own"),
        ({"samples": NOISY[:0], "own_names": []}, "0 samples with 0 own"),
        ({"gallery_names": NAMES[:3]}, "gallery of 8 images has 3 names"),
        ({"gallery": GALLERY[:0], "gallery_names": []}, "can(not)? be compared"),
        ({"originals": GALLERY[:3]}, "cannot compare"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score(**changes)
