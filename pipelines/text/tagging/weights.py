"""The averaged perceptron as arrays: a row of scores for each feature, in exact thousandths."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.text.tagging.tagged import PTB_TAGS, TAG_NUMBERS

# Source: the PyPI package textblob-aptagger 0.2.0, MIT; turned into arrays by `make_weights`.
WEIGHTS_PATH = Path(__file__).with_name("perceptron.npz")

# Source: textblob_aptagger/taggers.py, `PerceptronTagger`. Placeholders for the two words, and
# the two tags, before the first; and for the two words after the last.
STARTS = ("-START-", "-START2-")
ENDS = ("-END-", "-END2-")


@dataclass(frozen=True)
class Weights:
    """All that the tagger has learned.

    Args:
        tags: number in `PTB_TAGS` of each column, uint8 `[columns]`. Columns are in descending
            order of the tag's name, so that `argmax` breaks ties as the published code does.
        scores: int32 `[rows, columns]`; row 0 is nought, for features that were never seen.
        rows: a feature's kind -> what it looks at -> row of `scores`.
        of_tags: int32 `[contexts, contexts, columns]`; scores by the tag before and the tag two
            before, a column's number or one of `STARTS` after them. Includes the bias.
        words: word -> row of `of_words`; 0 for others.
        of_words: int32 `[words, contexts]`; row of `scores` for the tag before and this word.
        single: word -> its tag, for words that have but one.
    """

    tags: NDArray[np.uint8]
    scores: NDArray[np.int32]
    rows: Mapping[str, Mapping[str, int]]
    of_tags: NDArray[np.int32]
    words: Mapping[str, int]
    of_words: NDArray[np.int32]
    single: Mapping[str, str]

    def single_tag(self, form: str) -> str | None:
        """The tag of a form that has but one; marks never seen in training are symbols."""
        is_new = not any(map(str.isalnum, form)) and form not in self.rows["i word"]
        return self.single.get(form) or ("SYM" if is_new else None)

    def likely_tag(self, word: str) -> str | None:
        """The tag that a word, in lower case, speaks for most; None where it was never seen."""
        row = self.rows["i word"].get(word)
        return None if row is None else PTB_TAGS[self.tags[self.scores[row].argmax()]]


@cache
def load_weights() -> Weights:
    """The bundled model; read once per process."""
    with np.load(WEIGHTS_PATH, allow_pickle=False) as stored:
        return from_arrays({name: stored[name] for name in stored.files})


def from_arrays(stored: Mapping[str, NDArray[Any]]) -> Weights:
    """The arrays that `make_weights` wrote, made ready to be looked up."""
    names = _lines(stored["tags"])
    features = _lines(stored["features"])
    scores = np.zeros((len(features) + 1, len(names)), np.int32)
    of_cells = np.repeat(np.arange(1, len(scores)), stored["lengths"])
    scores[of_cells, len(names) - 1 - stored["columns"]] = stored["thousandths"]
    single_tags = [names[i] for i in stored["single_tags"]]
    contexts = (*reversed(names), *STARTS)
    rows = _by_kind(features)
    words, of_words = _pairs(rows["i-1 tag+i word"], contexts)
    return Weights(
        tags=np.array([TAG_NUMBERS[name] for name in reversed(names)], np.uint8),
        scores=scores,
        rows=rows,
        of_tags=_of_tags(scores, rows, contexts),
        words=words,
        of_words=of_words,
        single=dict(zip(_lines(stored["single_words"]), single_tags, strict=True)),
    )


def _lines(text: NDArray[np.uint8]) -> list[str]:
    return text.tobytes().decode("utf-8").split("\n")


def _by_kind(features: list[str]) -> dict[str, dict[str, int]]:
    """Row of each feature by its kind, and by the one word, or the two, that it looks at."""
    rows: dict[str, dict[str, int]] = {}
    for row, feature in enumerate(features, start=1):
        words = feature.split(" ")
        size = min(len(words), 3 if len(words) == 5 else 2)
        rows.setdefault(" ".join(words[:size]), {})[" ".join(words[size:])] = row
    return rows


def _of_tags(
    scores: NDArray[np.int32], rows: Mapping[str, Mapping[str, int]], contexts: tuple[str, ...]
) -> NDArray[np.int32]:
    before = np.array([rows["i-1 tag"].get(tag, 0) for tag in contexts])
    two_before = np.array([rows["i-2 tag"].get(tag, 0) for tag in contexts])
    both = np.array(
        [[rows["i tag+i-2 tag"].get(f"{a} {b}", 0) for b in contexts] for a in contexts]
    )
    bias = scores[rows["bias"][""]]
    of_tags: NDArray[np.int32] = (
        bias + scores[before][:, None] + scores[two_before][None] + scores[both]
    )
    return of_tags


def _pairs(
    rows: Mapping[str, int], contexts: tuple[str, ...]
) -> tuple[dict[str, int], NDArray[np.int32]]:
    """Rows of "tag word" -> the words' numbers, and a table by word and tag."""
    words = sorted({pair.split(" ")[1] for pair in rows})
    word_numbers = {word: i for i, word in enumerate(words, start=1)}
    tag_numbers = {tag: i for i, tag in enumerate(contexts)}
    table = np.zeros((len(words) + 1, len(contexts)), np.int32)
    for pair, row in rows.items():
        tag, word = pair.split(" ")
        table[word_numbers[word], tag_numbers[tag]] = row
    return word_numbers, table
