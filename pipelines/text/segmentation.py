"""Splits many captions into words at once: first their boundaries, then the words."""

from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.text.characters import MAX_CODE, Characters, table
from pipelines.text.tokens import Tokens, edges

# A character of these counts as a word, so that the language rule gets to see such captions.
KANA = range(0x3040, 0x3100)
HAN = range(0x3400, 0xA000)


def words_of(characters: Characters) -> Tokens:
    r"""Letters and digits with inner apostrophes and hyphens: `\w[\w'-]*`, or one kana or Han."""
    starts, ends = _spans(characters)
    words = _strings(characters.codes, starts, ends).dictionary_encode()
    return Tokens(
        types=words.dictionary.to_pylist(),
        ids=words.indices.to_numpy(),
        offsets=np.searchsorted(starts, characters.offsets),
    )


def _spans(characters: Characters) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each word begins and ends, in order of their begin."""
    codes, num = characters.codes, len(characters.codes)
    inner, begins = np.zeros(num + 2, np.bool_), np.zeros(num + 1, np.bool_)
    inner[1:-1] = _inner()[codes]
    begins[characters.offsets] = True
    run_starts = np.flatnonzero(inner[1:] & (begins | ~inner[:-1]))
    run_ends = np.flatnonzero(inner[:-1] & (begins | ~inner[1:]))
    # In a run of inner characters a word begins at the first letter, and takes the rest of it.
    letters = np.append(np.flatnonzero(_first()[codes]), num)
    firsts = letters[np.searchsorted(letters, run_starts)]
    has_word = firsts < run_ends
    starts, ends = firsts[has_word], run_ends[has_word]
    singles = np.flatnonzero(_single()[codes])
    if not len(singles):
        return starts, ends
    runs = np.searchsorted(run_starts, singles, side="right") - 1
    singles = singles[singles < firsts[runs]]
    order = np.argsort(np.concatenate([starts, singles]), kind="stable")
    return (
        np.concatenate([starts, singles])[order],
        np.concatenate([ends, singles + 1])[order],
    )


def _strings(
    codes: NDArray[np.uint32], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> pa.StringArray:
    """Parts of a text as an Arrow array, cut out of its UTF-8 without a string for each."""
    text = codes.tobytes().decode("utf-32-le").encode()
    bounds = np.stack([starts, ends], axis=1).ravel()
    if len(text) > len(codes):
        bounds = edges(1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000))[bounds]
    if not len(bounds):
        return pa.array([], pa.string())
    parts_and_gaps = pa.StringArray.from_buffers(
        len(bounds) - 1, pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(text)
    )
    return parts_and_gaps.take(pa.array(np.arange(0, len(bounds) - 1, 2)))


@cache
def _first() -> NDArray[np.bool_]:
    """Which code points a word of more than one character begins with."""
    first = table("isalnum") & ~_single()
    first[ord("_")] = True
    return first


@cache
def _inner() -> NDArray[np.bool_]:
    """Which code points a word can contain."""
    inner = _first() | _single()
    inner[[ord("'"), ord("-")]] = True
    return inner


@cache
def _single() -> NDArray[np.bool_]:
    """Which code points are words by themselves."""
    single = np.zeros(MAX_CODE + 1, np.bool_)
    single[KANA] = single[HAN] = True
    return single
