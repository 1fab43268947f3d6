from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.tokens import Tokens, edges

CAPTIONS = st.lists(
    st.lists(st.sampled_from(["a", "A", "dog", "Dog", "\u72ac"]), max_size=6), max_size=6
)


@given(CAPTIONS)
def test_lists_come_back(captions):
    tokens = Tokens.of_lists(captions)
    assert tokens.lists() == captions
    assert len(tokens) == len(captions)
    assert tokens.counts().tolist() == [len(words) for words in captions]
    assert len(set(tokens.types)) == len(tokens.types)


@given(CAPTIONS, st.data())
def test_take_is_as_of_lists(captions, data):
    mask = data.draw(st.lists(st.booleans(), min_size=len(captions), max_size=len(captions)))
    taken = Tokens.of_lists(captions).take(np.array(mask, np.bool_))
    assert taken.lists() == [words for words, kept in zip(captions, mask, strict=True) if kept]


@given(CAPTIONS)
def test_values_of_types_are_summed_by_caption(captions):
    tokens = Tokens.of_lists(captions)
    assert tokens.sums(tokens.per_type(len)).tolist() == [sum(map(len, c)) for c in captions]


@given(CAPTIONS)
def test_mapped_words_may_fall_together(captions):
    lowered = Tokens.of_lists(captions).mapped(str.lower)
    assert lowered.lists() == [[word.lower() for word in words] for words in captions]
    assert len(set(lowered.types)) == len(lowered.types)


@given(CAPTIONS)
def test_repeats_are_counted_by_caption(captions):
    tokens = Tokens.of_lists(captions)
    counted = [Counter(words) for words in captions]
    assert tokens.repeats.distinct().tolist() == [len(counts) for counts in counted]
    is_counted = np.array([word != "a" for word in tokens.types], np.bool_)
    most = [max((n for w, n in counts.items() if w != "a"), default=0) for counts in counted]
    assert tokens.repeats.most(is_counted).tolist() == most


def test_each_type_is_mapped_once():
    called: list[str] = []

    def ask(word: str) -> float:
        called.append(word)
        return 1.0

    Tokens.of_lists([["a", "dog", "a"], ["a"]]).per_type(ask)
    assert sorted(called) == ["a", "dog"]


def test_sums_do_not_depend_on_the_neighbours():
    # A running sum over all captions would round 0.1 after 1e17 to nothing.
    tokens = Tokens.of_lists([["large"], ["small"]])
    assert tokens.sums(np.array([1e17, 0.1])).tolist() == [1e17, 0.1]


@pytest.mark.parametrize(("counts", "offsets"), [([], [0]), ([2, 0, 1], [0, 2, 2, 3])])
def test_edges(counts, offsets):
    assert edges(np.array(counts, np.int64)).tolist() == offsets
