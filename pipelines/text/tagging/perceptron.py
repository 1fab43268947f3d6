"""The averaged perceptron tagger, greedy from left to right, over many captions at a time.

Source: Honnibal 2013, "A Good Part-of-Speech Tagger in about 200 Lines of Python", as published in
textblob-aptagger and NLTK. Same features, same weights; tested to give the same tags.
How often it is right on captions: `ACCURACY.md`.

Most features look at words only: their scores are summed once for each distinct word. What looks
at the two tags before is added in waves, each of which tags every token, of whatever caption,
whose two tags before are known. Half of all tokens wait for no wave, since they have but one tag.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipelines.text.tagging.casing import truecased
from pipelines.text.tagging.forms import normal_form, treebank_form
from pipelines.text.tagging.tagged import PTB_TAGS, Tagged
from pipelines.text.tagging.tokenise import tokenise, with_quotes
from pipelines.text.tagging.weights import ENDS, STARTS, Weights, load_weights
from pipelines.text.tokens import Tokens

CAPTIONS_AT_ONCE = 4096  # chosen: more is no faster, and a million at once would need gigabytes
_OPEN = -1  # a tag that is not given yet
_ROOM = len(STARTS)  # positions before a caption; as many after it


class PerceptronTagger:
    """The bundled tagger."""

    name = "perceptron"

    def __init__(self, weights: Weights | None = None) -> None:
        self._weights = weights or load_weights()

    def tag(self, texts: Sequence[str]) -> Tagged:
        """Tags of captions; a caption without words has no tokens."""
        tokens = tokenise(texts)
        return Tagged(tokens, tags_of(with_quotes(tokens, texts), self._weights))


def tags_of(tokens: Tokens, weights: Weights) -> NDArray[np.uint8]:
    """Tags of captions that are split, uint8 `[tokens]`, indices into `PTB_TAGS`."""
    bounds = [*range(0, len(tokens), CAPTIONS_AT_ONCE), len(tokens)]
    parts = (_part(tokens, first, last) for first, last in pairwise(bounds))
    columns = [_columns(truecased(part, weights), weights) for part in parts]
    tags: NDArray[np.uint8] = weights.tags[np.concatenate([np.zeros(0, np.int16), *columns])]
    return tags


def _part(tokens: Tokens, first: int, last: int) -> Tokens:
    """The captions `first:last`, with the types that they use and no others."""
    offsets = tokens.offsets[first : last + 1]
    used, ids = np.unique(tokens.ids[offsets[0] : offsets[-1]], return_inverse=True)
    types = [tokens.types[i] for i in used.tolist()]
    return Tokens(types, ids.astype(np.int32), offsets - offsets[0])


def _columns(tokens: Tokens, weights: Weights) -> NDArray[np.int16]:
    """The tag of each token as a column of the weights, int16 `[tokens]`."""
    forms = [treebank_form(word) for word in tokens.types]
    row = _lay_out(tokens, weights)
    given = _single_tags(forms, weights)[tokens.ids]
    row.tags[row.positions] = given
    _tag_in_waves(row, row.positions[given == _OPEN], forms, weights)
    return row.tags[row.positions]


@dataclass(frozen=True)
class _Row:
    """Captions one after the other, each with two spare positions before and after it.

    Args:
        words: int32 `[row]`, index of a word's type; those of `STARTS` and `ENDS` come last.
        tags: int16 `[row]`, columns of the weights, or `_OPEN`.
        positions: int64 `[tokens]`, of each token in the row.
    """

    words: NDArray[np.int32]
    tags: NDArray[np.int16]
    positions: NDArray[np.int64]


def _lay_out(tokens: Tokens, weights: Weights) -> _Row:
    num_tokens, num_types = len(tokens.ids), len(tokens.types)
    positions = np.arange(num_tokens) + _ROOM * (2 * tokens.captions() + 1)
    size = num_tokens + 2 * _ROOM * len(tokens)
    words, tags = np.zeros(size, np.int32), np.full(size, _OPEN, np.int16)
    words[positions] = tokens.ids
    firsts = tokens.offsets[:-1] + 2 * _ROOM * np.arange(len(tokens))
    after = firsts + _ROOM + tokens.counts()
    num_columns = len(weights.tags)
    for i in range(_ROOM):
        words[firsts + i] = num_types + i
        words[after + i] = num_types + _ROOM + i
        # Source: as the published code has it, the nearer tag is the first of `STARTS`, while the
        # nearer word is the second.
        tags[firsts + i] = num_columns + (_ROOM - 1 - i)
    return _Row(words, tags, positions)


def _single_tags(forms: Sequence[str], weights: Weights) -> NDArray[np.int16]:
    """The column of a form's only tag, or `_OPEN`."""
    columns = {PTB_TAGS[number]: column for column, number in enumerate(weights.tags.tolist())}
    tags = [weights.single_tag(form) for form in forms]
    return np.array([columns[tag] if tag else _OPEN for tag in tags], np.int16)


def _tag_in_waves(
    row: _Row, positions: NDArray[np.int64], forms: Sequence[str], weights: Weights
) -> None:
    """Fill in the tags at `positions`, ascending."""
    normal = [normal_form(form) for form in forms]
    scores = _scores_of_words(row.words, positions, forms, normal, weights)
    numbers = np.array([weights.words.get(word, 0) for word in normal], np.int64)
    waiting = np.arange(len(positions))
    while len(waiting):
        at = positions[waiting]
        is_ready = (row.tags[at - 1] != _OPEN) & (row.tags[at - 2] != _OPEN)
        now, at = waiting[is_ready], at[is_ready]
        before, two_before = row.tags[at - 1], row.tags[at - 2]
        total = scores[now] + weights.of_tags[before, two_before]
        total += weights.scores[weights.of_words[numbers[row.words[at]], before]]
        row.tags[at] = total.argmax(axis=1)
        waiting = waiting[~is_ready]


def _scores_of_words(
    words: NDArray[np.int32],
    positions: NDArray[np.int64],
    forms: Sequence[str],
    normal: Sequence[str],
    weights: Weights,
) -> NDArray[np.int32]:
    """Sum of all features that look at words, int32 `[positions, columns]`."""
    own = {
        "i word": normal,
        "i suffix": [form[-3:] for form in forms],
        "i pref1": [form[0] for form in forms],
    }
    near = [*normal, *STARTS, *ENDS]
    ends = [word[-3:] for word in near]
    scores = _sum(own, weights)[words[positions]]
    scores += _sum({"i-1 word": near, "i-1 suffix": ends}, weights)[words[positions - 1]]
    scores += _sum({"i+1 word": near, "i+1 suffix": ends}, weights)[words[positions + 1]]
    scores += _sum({"i-2 word": near}, weights)[words[positions - 2]]
    scores += _sum({"i+2 word": near}, weights)[words[positions + 2]]
    return scores


def _sum(features: Mapping[str, Sequence[str]], weights: Weights) -> NDArray[np.int32]:
    """Scores of each word by features of one or more kinds, int32 `[words, columns]`."""
    kinds = ((weights.rows[kind], words) for kind, words in features.items())
    rows = np.array([[known.get(word, 0) for word in words] for known, words in kinds], np.int64)
    scores: NDArray[np.int32] = weights.scores[rows].sum(axis=0, dtype=np.int32)
    return scores
