"""What shapes and numbers of codes say of an image's tokens: their edge, and the type of codes."""

from typing import Any

import numpy as np

UINT16_CODES = 1 << 16  # more of them are stored as uint32


def token_dtype(num_codes: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The type of codes below a number: uint16, or uint32 where they do not fit."""
    return np.dtype(np.uint16 if num_codes <= UINT16_CODES else np.uint32)


def square_edge(what: str, shape: tuple[int, ...]) -> int:
    """The edge of a square.

    Raises:
        ValueError: it is none; says what of.
    """
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"{what} of shape {shape} are not a square")
    return shape[0]
