from dataclasses import replace

import numpy as np
import pytest

from dalle_model.cuts import Box, Cut
from dalle_model.pixels import to_png
from dalle_model.resize import square
from dalle_model.tokenizers.codec import CodecFacts
from pipelines.encode.batches import Piece, Place
from pipelines.encode.pieces import NamedViews, crop_by
from pipelines.rejection import Check
from tests.support.image_rows import noise, row

FACTS = CodecFacts("c", "a" * 64, (16, 16), (2, 2), 32, "lanczos", (0.0, 1.0))
CENTRE = NamedViews(("centre",), ("centre",), (16, 16), 0)


def placed(*cuts: Cut):
    """Views that are some cuts, whatever the image."""
    return lambda _row, _sizes: [Place(view, cut) for view, cut in enumerate(cuts)]


@pytest.mark.parametrize("resample", ["lanczos", "bicubic"])
def test_the_centre_is_scaled_by_the_filter_of_the_codec(resample):
    stored = noise(0, 40, 50)
    pair = row(1, image=to_png(stored), width=100, height=80)
    found = crop_by(CENTRE.choose, replace(FACTS, resample=resample))(pair, pair["image"])
    assert isinstance(found, list)
    (piece,) = found
    assert np.array_equal(piece.rgb, square(stored, 16, resample))
    assert piece.place == Place(0, Cut(Box(10, 0, 90, 80), False, (16, 16)))


def test_a_small_picture_is_measured_against_the_codec():
    pair = row(1, image=to_png(noise(0, 10, 30)), width=60, height=20)
    check = crop_by(CENTRE.choose, FACTS)(pair, pair["image"])
    assert check == Check("below_codec_side", passed=False, measured=10, threshold=16)


def test_what_is_no_image_is_told_by_its_error():
    check = crop_by(CENTRE.choose, FACTS)(row(1), b"no png")
    assert check == Check("undecodable", passed=False, detail="UnidentifiedImageError")


def test_one_view_that_cannot_be_had_is_the_reason_of_the_row():
    pair = row(1, image=to_png(noise(0, 40, 40)), width=100, height=80)
    whole, beside = (
        Cut(Box(10, 0, 90, 80), False, (16, 16)),
        Cut(Box(0, 0, 80, 80), False, (16, 16)),
    )
    check = crop_by(placed(whole, beside), FACTS)(pair, pair["image"])
    assert check == Check("crop_not_stored", passed=False, detail="(0, 0, 80, 80)")
    small = Cut(Box(10, 0, 34, 24), False, (16, 16))
    check = crop_by(placed(whole, small), FACTS)(pair, pair["image"])
    assert check == Check("below_codec_side", passed=False, measured=12, threshold=16)


def test_a_box_that_the_column_does_not_hold_is_a_rejection():
    pair = row(1, image=to_png(noise(0, 16, 2000)), width=100_000, height=800)
    far = Cut(Box(99_000, 0, 99_800, 800), False, (16, 16))
    check = crop_by(placed(far), FACTS)(pair, pair["image"])
    assert check == Check("crop_too_far", passed=False, measured=99_800, threshold=65_535)


def test_named_views_are_numbered_and_the_same_for_all_captions():
    views = NamedViews(("prior", "dvae"), ("prior", "dvae"), (16, 16), 3)
    crop = crop_by(views.choose, FACTS)
    pairs = [row(1, caption, to_png(noise(1, 60, 80)), 80, 60) for caption in range(2)]
    one, other = (crop(pair, pair["image"]) for pair in pairs)
    assert isinstance(one, list)
    assert isinstance(other, list)
    assert [piece.place for piece in one] == [piece.place for piece in other]
    assert [piece.place.view for piece in one] == [0, 1]
    assert (views.count(pairs[0]), views.num_missing) == (2, 0)
    assert isinstance(one[0], Piece)
