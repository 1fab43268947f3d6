import numpy as np
import pytest

from dalle_model.token_shape import square_edge, token_dtype


@pytest.mark.parametrize(
    ("codes", "dtype"), [(1, np.uint16), (65536, np.uint16), (65537, np.uint32)]
)
def test_codes_are_stored_as_uint16_where_they_fit(codes, dtype):
    assert token_dtype(codes) == dtype


def test_the_edge_of_what_is_no_square_is_refused_with_what_it_is():
    assert square_edge("tokens", (8, 8)) == 8
    for shape in ((8, 9), (64,), ()):
        with pytest.raises(ValueError, match=r"tokens of shape .* are not a square"):
            square_edge("tokens", shape)
