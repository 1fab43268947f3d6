import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalle_model.buckets import MAX_ASPECT, aspect, bucket_shapes, nearest

SQUARE, PATCH = (256, 256), (8, 8)
# Podell et al. 2023, SDXL, appendix I: those of its 41 shapes that are wider than high.
SDXL = {
    (512, 2048), (512, 1984), (512, 1920), (512, 1856), (576, 1792), (576, 1728), (576, 1664),
    (640, 1600), (640, 1536), (704, 1472), (704, 1408), (704, 1344), (768, 1344), (768, 1280),
    (832, 1216), (832, 1152), (896, 1152), (896, 1088), (960, 1088), (960, 1024), (1024, 1024),
}  # fmt: skip


def test_at_1024_px_they_are_shapes_of_sdxl_all_of_its_largest_among_them():
    found = set(bucket_shapes((1024, 1024), (16, 16), 4))
    wide = {shape for shape in found if shape[0] <= shape[1]}
    assert wide <= SDXL
    assert len(found) == 33
    # the paper's others are of a bucket's height, and a step or two narrower
    for height, width in SDXL - wide:
        assert any(h == height and w > width for h, w in wide)


@pytest.mark.parametrize(
    ("image_shape", "patch", "max_aspect", "expected"),
    [
        ((64, 64), PATCH, 2, [(48, 80), (56, 72), (64, 64), (72, 56), (80, 48)]),
        ((16, 16), PATCH, 2, [(16, 16)]),
        (SQUARE, PATCH, 1, [SQUARE]),
        ((16, 40), PATCH, 1, [(16, 40), (24, 24)]),
    ],
)
def test_small_codecs_have_few(image_shape, patch, max_aspect, expected):
    assert list(bucket_shapes(image_shape, patch, max_aspect)) == expected


shapes = st.tuples(st.integers(1, 40), st.integers(1, 40))
patches = st.tuples(st.sampled_from([1, 2, 8, 16]), st.sampled_from([1, 2, 8, 16]))


@given(shapes, patches, st.floats(1, 8))
def test_no_bucket_has_more_pixels_or_parts_of_patches(tokens, patch, max_aspect):
    own = tokens[0] * patch[0], tokens[1] * patch[1]
    found = bucket_shapes(own, patch, max_aspect)
    assert own in found
    for shape in found:
        assert shape[0] * shape[1] <= own[0] * own[1]
        assert shape[0] % patch[0] == shape[1] % patch[1] == 0 < min(shape)
        assert shape == own or aspect(shape) <= max_aspect
    assert list(found) == sorted(set(found))


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_the_nearest_keeps_most_of_an_image(width, height):
    table = bucket_shapes(SQUARE, PATCH)
    found = nearest(table, width, height)

    def kept(shape) -> float:
        across = min(width, height * shape[1] / shape[0])
        return across * (across * shape[0] / shape[1]) / (width * height)

    assert kept(found) == pytest.approx(max(map(kept, table)))
    if aspect((height, width)) <= MAX_ASPECT:
        assert kept(found) > 0.9


def test_of_equal_ones_the_larger_is_taken():
    assert nearest([(8, 16), (16, 32), (32, 16)], 2, 1) == (16, 32)
    assert nearest([(8, 16), (16, 8)], 1, 1) == (16, 8)
