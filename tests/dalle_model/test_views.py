from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalle_model.buckets import bucket_shapes, nearest
from dalle_model.cuts import Box, Cut, Sizes, too_short
from dalle_model.pixels import crop_box
from dalle_model.views import VIEWS, Draws, cuts_of, has_buckets, names_of, side_needed
from tests.dalle_model.test_cuts import scaled

SQUARE = (256, 256)
LARGE = Sizes(1000, 700, 1000, 700)


def image(number: int) -> str:
    return f"{number:024x}"


def boxes(name: str, sizes: Sizes, count: int, shape=SQUARE) -> list[Cut]:
    return [cuts_of([name], sizes, shape, image(n), 0)[0] for n in range(count)]


@given(
    st.sampled_from(sorted(VIEWS)),
    st.integers(8, 700),
    st.integers(8, 700),
    st.integers(8, 200),
    st.tuples(st.integers(4, 64), st.integers(4, 64)),
    st.integers(0, 1 << 40),
)
def test_every_box_lies_in_the_image_and_none_is_scaled_up(name, width, height, side, shape, seed):
    sizes = scaled(width, height, side)
    cuts = cuts_of([name], sizes, shape, image(7), seed)
    assert len(cuts) == VIEWS[name].count
    whole = crop_box(sizes.stored_width, sizes.stored_height, shape)
    is_large = whole[2] - whole[0] >= shape[1] and whole[3] - whole[1] >= shape[0]
    for cut in cuts:
        assert sizes.holds(cut.box)
        assert cut.shape == shape
        if is_large:
            assert too_short(cut, sizes) is None


@given(st.integers(32, 900), st.integers(32, 900), st.integers(32, 400))
def test_squares_stay_squares(width, height, side):
    sizes = scaled(width, height, side)
    for cut in cuts_of(sorted(VIEWS), sizes, (32, 32), image(1), 0):
        assert cut.box.width == cut.box.height
        stored = sizes.stored(cut.box)
        assert stored.width == stored.height >= 32


def test_the_centre_is_the_largest_square_and_its_mirror_image():
    plain, mirrored = cuts_of(["centre", "flip"], LARGE, SQUARE, image(0), 0)
    assert plain == Cut(Box(*crop_box(1000, 700)), False, SQUARE)
    assert mirrored == Cut(plain.box, True, SQUARE)


def test_listing_1_takes_two_thirds_to_eight_ninths_of_an_edge_anywhere():
    """A square of the shorter edge, scaled to 288 to 384 pixels, of which 256 are cropped."""
    found = boxes("dvae", LARGE, 3000)
    sides = [cut.box.width for cut in found]
    assert set(sides) == {700 * 256 // t for t in range(288, 385)}
    assert (min(sides), max(sides)) == (700 * 256 // 384, 700 * 256 // 288)
    assert min(cut.box.left for cut in found) < 20
    assert max(cut.box.right for cut in found) > 980
    assert min(cut.box.top for cut in found) < 5
    assert max(cut.box.bottom for cut in found) > 695
    assert 0.45 < sum(cut.is_flipped for cut in found) / 3000 < 0.55


def test_listing_2_takes_eight_ninths_to_all_of_an_edge_near_the_centre():
    """Of the 300 pixels beside the square, 112 to 187 before it; and no mirror images."""
    found = boxes("prior", LARGE, 3000)
    assert {cut.box.width for cut in found} == {700 * 256 // t for t in range(256, 289)}
    whole = {cut.box.left for cut in found if cut.box.width == 700}
    assert len(whole) > 30
    assert min(whole) >= 112
    assert max(whole) <= 186
    assert min(cut.box.left for cut in found) >= 3 * 300 // 8
    assert max(cut.box.right for cut in found) <= 186 + 700
    assert not any(cut.is_flipped for cut in found)


def test_the_sizes_of_a_listing_are_equally_likely():
    counts = Counter(cut.box.width for cut in boxes("prior", Sizes(4000, 4000, 4000, 4000), 6600))
    assert len(counts) == 33
    assert min(counts.values()) > 120
    assert max(counts.values()) < 290


@pytest.mark.parametrize(("side", "expected"), [(256, {256}), (300, range(288, 301))])
def test_listing_1_scales_to_no_more_than_an_image_is_stored_at(side, expected):
    """Source: Ramesh et al. 2021, listing 1: `min(s, ..)` at both ends."""
    found = boxes("dvae", Sizes(600, 600, side, side), 300)
    assert {cut.box.width for cut in found} == {600 * 256 // t for t in expected}


def test_ten_crops_are_five_places_of_a_square_and_their_mirror_images():
    sizes = Sizes(400, 281, 400, 281)
    found = cuts_of(["ten_crop"], sizes, SQUARE, image(0), 0)
    left = (400 - 281) // 2
    places = [(0, 0), (25, 0), (0, 25), (25, 25), (12, 12)]
    expected = [Box(left + x, y, left + x + 256, y + 256) for x, y in places]
    assert [cut.box for cut in found] == expected * 2
    assert [cut.is_flipped for cut in found] == [False] * 5 + [True] * 5


def test_a_codec_of_rectangles_takes_the_largest_of_its_aspect():
    (centre, listed) = cuts_of(["centre", "dvae"], LARGE, (128, 256), image(0), 0)
    assert centre.box == crop_box(1000, 700, (128, 256))
    assert abs(listed.box.width / listed.box.height - 2) < 0.02


def test_a_view_depends_on_the_seed_the_image_and_its_number_alone():
    names = ["dvae", "prior", "prior", "dvae"]
    found = cuts_of(names, LARGE, SQUARE, image(5), 1)
    assert cuts_of(names, LARGE, SQUARE, image(5), 1) == found
    assert cuts_of(names[:2], LARGE, SQUARE, image(5), 1) == found[:2]
    assert found[1] != found[2]
    assert cuts_of(names, LARGE, SQUARE, image(6), 1) != found
    assert cuts_of(names, LARGE, SQUARE, image(5), 2) != found
    assert cuts_of(["ten_crop", "dvae"], LARGE, SQUARE, image(5), 1)[10] not in found


def test_what_was_drawn_once_is_drawn_for_good():
    """Shards of one config are the same with every later version."""
    draws = Draws(0, image(1), 2)
    assert [draws.between(0, 999) for _ in range(8)] == [848, 538, 84, 389, 590, 355, 241, 221]
    with pytest.raises(AssertionError, match="no more numbers"):
        draws.between(0, 1)


def test_every_number_of_a_range_is_drawn():
    found = {Draws(0, image(n), 0).between(3, 6) for n in range(100)}
    assert found == {3, 4, 5, 6}


def test_each_view_of_a_name_has_it_by_its_number():
    assert names_of(["prior", "prior", "ten_crop"]) == ["prior"] * 2 + ["ten_crop"] * 10


@pytest.mark.parametrize(
    ("views", "side"),
    [(["centre", "flip"], 256), (["dvae", "prior"], 384), (["prior"], 288), (["ten_crop"], 282),
     (["of another program"], 256)],
)  # fmt: skip
def test_how_large_images_must_be_stored_for_a_view(views, side):
    assert side_needed(views, 256) == side


BUCKETS = bucket_shapes(SQUARE, (8, 8))


@given(st.integers(256, 3000), st.integers(256, 3000), st.integers(256, 400))
def test_a_bucket_is_the_nearest_and_holds_almost_all_of_the_image(width, height, side):
    sizes = scaled(width, height, side)
    (cut,) = cuts_of(["aspect"], sizes, SQUARE, image(0), 0, BUCKETS)
    assert cut.shape == nearest(BUCKETS, width, height)
    assert cut.box == Box(*crop_box(width, height, cut.shape))
    assert too_short(cut, sizes) is None
    assert sizes.holds(cut.box)


def test_only_that_view_is_of_a_bucket():
    cuts = cuts_of(["centre", "aspect", "flip"], LARGE, SQUARE, image(0), 0, BUCKETS)
    assert [cut.shape for cut in cuts] == [SQUARE, (208, 304), SQUARE]
    assert has_buckets(["centre", "aspect"])
    assert not has_buckets([*set(VIEWS) - {"aspect"}, "of a later version"])
