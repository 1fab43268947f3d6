"""Captions -> words."""

import re

import numpy as np
import pyarrow as pa

from pipelines.captions.tokens import Tokens

# A kana or Han character counts as a word, so that the language rule gets to see such captions.
WORD = r"[\u3040-\u30ff\u3400-\u9fff]|\w[\w'-]*"
_END = "\n"  # normalised text has none
_WORD_OR_END = re.compile(rf"{WORD}|{_END}")


def words_of(texts: pa.StringArray) -> Tokens:
    """Letters and digits with inner apostrophes and hyphens.

    Args:
        texts: without line breaks.
    """
    found = _WORD_OR_END.findall(_END.join([*texts.to_pylist(), ""]))
    encoded = pa.array(found, pa.string()).dictionary_encode()
    types, ids = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    is_end = ids == (types.index(_END) if _END in types else -1)
    ends = np.flatnonzero(is_end)
    offsets = np.concatenate([[0], ends - np.arange(len(ends))]).astype(np.int64)
    return Tokens(types, ids[~is_end], offsets)
