import numpy as np
import pytest

from dalle_model.sample.completions import (
    BLANK,
    complete_image,
    part_of,
    warning_of_unseen,
    with_part,
)
from dalle_model.sample.images import draw_images
from dalle_model.sample.keep import parse_keep
from dalle_model.settings import SampleSettings
from tests.dalle_model.sample.test_images import FACTS, TRAINED, GreyCodec
from tests.support.priors import CAPTIONS

IMAGE = np.repeat((np.arange(9, dtype=np.uint8) * 16).reshape(3, 3, 1), 3, axis=2)


def test_the_part_stays_and_the_rest_is_drawn() -> None:
    keep = parse_keep("top=1/3", FACTS)
    settings = SampleSettings(seed=3)
    drawn = complete_image(TRAINED, GreyCodec(), IMAGE, CAPTIONS[0], keep, 6, settings)
    assert drawn.shape == (6, 3, 3, 3)
    assert (drawn[:, 0] == IMAGE[0]).all()
    assert len({image.tobytes() for image in drawn}) > 1
    again = complete_image(TRAINED, GreyCodec(), IMAGE, CAPTIONS[0], keep, 2, settings)
    np.testing.assert_array_equal(again, drawn[:2])


def test_what_is_drawn_before_the_part_does_not_see_it(caplog: pytest.LogCaptureFixture) -> None:
    free = draw_images(TRAINED, GreyCodec(), CAPTIONS[:1], 4, SampleSettings())[0]
    keep = parse_keep("box=0,2/3,1,1", FACTS)
    drawn = complete_image(TRAINED, GreyCodec(), IMAGE, CAPTIONS[0], keep, 4, SampleSettings())
    np.testing.assert_array_equal(drawn[:, :2], free[:, :2])
    assert (drawn[:, 2] == IMAGE[2]).all()
    assert caplog.messages == [warning_of_unseen(keep)]
    assert caplog.messages[0].startswith("3 of the 3 tokens that are kept come behind others")


def test_upper_rows_are_seen_by_all() -> None:
    assert warning_of_unseen(parse_keep("top=1/3", FACTS)) == ""


def test_the_part_can_be_that_of_the_image_pixel_for_pixel() -> None:
    keep = parse_keep("outside=1/3,1/3,1,1", FACTS)
    others = np.full((2, 3, 3, 3), 7, np.uint8)
    pasted = with_part(others, IMAGE, keep.pixels())
    assert (pasted[:, keep.is_kept] == IMAGE[keep.is_kept]).all()
    assert (pasted[:, ~keep.is_kept] == 7).all()
    assert (part_of(IMAGE, keep)[~keep.is_kept] == BLANK).all()
