"""Captions -> words."""

import re

import numpy as np
import pyarrow as pa

from pipelines.captions.tokens import Tokens

# A kana or Han character counts as a word, so that the language rule gets to see such captions.
WORD = r"[\u3040-\u30ff\u3400-\u9fff]|\w[\w'-]*"
_END = "\n"
_WORD_OR_END = re.compile(rf"{WORD}|{_END}")


def words_of(texts: pa.StringArray) -> Tokens:
    """Letters and digits with inner apostrophes and hyphens; one search over all captions."""
    lines = [text.replace(_END, " ") for text in texts.to_pylist()]
    encoded = pa.array(_WORD_OR_END.findall(_END.join([*lines, ""])), pa.string())
    encoded = encoded.dictionary_encode()
    types, ids = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    if not lines:
        return Tokens([], ids, np.zeros(1, np.int64))
    end = types.index(_END)
    is_end = ids == end
    ends = np.flatnonzero(is_end)
    words = ids[~is_end]
    offsets = np.concatenate([[0], ends - np.arange(len(ends))])
    return Tokens(types[:end] + types[end + 1 :], words - (words > end), offsets)
