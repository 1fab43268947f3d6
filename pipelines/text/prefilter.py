"""Functions of one text over whole columns, called only where a cheap search finds something.

The search is RE2's over Arrow memory, some twenty times as fast as a call from Python.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def matches(texts: pa.StringArray, pattern: str) -> NDArray[np.bool_]:
    """Which texts an RE2 pattern finds something in, bool `[texts]`."""
    found: NDArray[np.bool_] = pc.match_substring_regex(texts, pattern).to_numpy(
        zero_copy_only=False
    )
    return found


def map_matching(
    texts: pa.StringArray, pattern: str, change: Callable[[str], str]
) -> pa.StringArray:
    """`change` of each text; texts without a match are known to stay as they are."""
    mask = pc.match_substring_regex(texts, pattern)
    changed = [change(text) for text in texts.filter(mask).to_pylist()]
    return pc.replace_with_mask(texts, mask, pa.array(changed, pa.string())) if changed else texts


def measure_matching(
    texts: pa.StringArray, pattern: str, measure: Callable[[str], float]
) -> NDArray[np.float64]:
    """`measure` of each text, float64 `[texts]`; texts without a match are known to measure 0."""
    mask, values = matches(texts, pattern), np.zeros(len(texts))
    values[mask] = [measure(text) for text in texts.filter(pa.array(mask)).to_pylist()]
    return values
