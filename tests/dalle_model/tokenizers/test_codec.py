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
