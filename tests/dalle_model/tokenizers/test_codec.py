import pytest

from dalle_model.tokenizers.codec import CodecFacts

FACTS = CodecFacts("x", "", (64, 96), (8, 12), 1024, "lanczos", (0.1, 0.9))


def change(**values):
    return CodecFacts(**(vars(FACTS) | values))


def test_positions_are_counted_over_the_whole_shape():
    assert FACTS.num_tokens == 96
    assert change(token_shape=(32,), order="sequence").num_tokens == 32


def test_what_is_not_square_has_no_side_and_no_grid():
    for name, of in (("side", "images"), ("grid", "tokens")):
        with pytest.raises(ValueError, match=f"{of} of shape .* are not a square"):
            getattr(FACTS, name)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"image_shape": (64,)}, "no height and width"),
        ({"image_shape": (64, 0)}, "image_shape .* is empty"),
        ({"token_shape": ()}, "token_shape .* is empty"),
        ({"token_shape": (96,)}, "'raster' needs rows and columns"),
        ({"num_codes": 0}, "num_codes 0"),
        ({"num_codes": 2**32 + 1}, "fits no uint32"),
        ({"codebooks": 0}, "codebooks 0"),
        ({"pixel_range": (1, 1)}, "pixel_range .* is empty"),
        ({"resample": "box"}, "'box' is no filter"),
        ({"order": "spiral"}, "'spiral' is none of"),
    ],
)
def test_facts_that_make_no_sense_are_refused(values, problem):
    with pytest.raises(ValueError, match=problem):
        change(**values)


def test_facts_of_another_shape_have_as_many_tokens_as_patches():
    assert FACTS.patch == (8, 8)
    other = FACTS.of_shape((40, 16))
    assert (other.image_shape, other.token_shape) == ((40, 16), (5, 2))
    assert other.of_shape((64, 96)) == FACTS
    assert change(image_shape=(64, 192)).of_shape((32, 32)).token_shape == (4, 2)


@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (0, 8), (7, 7)])
def test_images_in_parts_of_patches_are_refused(shape):
    with pytest.raises(ValueError, match="are no whole number of patches of 8 x 8 px"):
        FACTS.of_shape(shape)


@pytest.mark.parametrize(
    "facts",
    [
        change(token_shape=(32,), order="sequence"),
        change(token_shape=(1, 2, 3), order="scales"),
        change(token_shape=(7, 12)),
    ],
)
def test_what_is_no_grid_of_patches_has_no_other_shape(facts):
    with pytest.raises(ValueError, match="the tokens of x are no grid of patches"):
        facts.of_shape((8, 8))
