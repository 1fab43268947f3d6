import numpy as np
import pytest

from pipelines.quality.scorers.nsfw import prepared
from tests.pipelines.quality.samples import loaded, portrait, stored, texture


def test_the_model_is_given_the_centre_in_bgr_less_the_mean():
    red = np.zeros((64, 128, 3), np.uint8)
    red[..., 0] = 200
    found = prepared(red)
    assert found.shape == (1, 224, 224, 3)
    assert found.dtype == np.float32
    assert found[0, 112, 112] == pytest.approx([-104, -117, 200 - 123], abs=2)
    edged = np.full((256, 256, 3), 90, np.uint8)
    edged[:8], edged[:, 250:] = 255, 255  # beyond the 16 px that are cut off
    assert np.ptp(prepared(edged)) < 40


@pytest.mark.parametrize("rgb", [portrait(), texture()], ids=["portrait", "texture"])
def test_what_is_safe_scores_low(rgb):
    assert 0 <= loaded("nsfw")(stored(rgb))["nsfw"] < 0.2
