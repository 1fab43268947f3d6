from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.captions.corpus.hashes import hash_texts
from pipelines.captions.corpus.items import failures
from pipelines.captions.corpus.rare_ngrams import ngram_items
from pipelines.captions.corpus.rare_types import token_items
from pipelines.captions.corpus.shard import shard_captions
from pipelines.captions.corpus.text_of_many_images import text_items as items_of_shard
from pipelines.text.tokens import Tokens
from tests.support.captions.funnels import candidates, filtered_of, funnel_of
from tests.support.captions.tallies import tally_of

WORDS = st.lists(st.lists(st.sampled_from(["a", "b", "c", "a b"]), max_size=5), max_size=5)


def text_items(texts):
    table = candidates([(str(number), text) for number, text in enumerate(texts)])
    return items_of_shard(shard_captions(table, filtered_of(texts), funnel_of({})))


def names(items):
    return [(int(c), items.name(n)) for n, c in enumerate(items.captions.tolist())]


def test_items_know_their_captions_and_names():
    assert names(text_items(["x", "y"])) == [(0, "x"), (1, "y")]
    types = Tokens.of_lists([[], ["person", "city"]])
    assert names(token_items(types)) == [(1, "person"), (1, "city")]


@settings(deadline=None)
@given(WORDS)
def test_ngrams_are_words_and_neighbours_within_a_caption(captions):
    expected = [(c, word) for c, words in enumerate(captions) for word in words]
    expected += [
        (c, f"{left} {right}")
        for c, words in enumerate(captions)
        for left, right in pairwise(words)
    ]
    items = ngram_items(Tokens.of_lists(captions))
    assert names(items) == expected
    assert len(items.hashes) == len(expected)


def test_a_pair_hashes_equal_in_any_position():
    items = ngram_items(Tokens.of_lists([["a", "dog"], ["the", "a", "dog"]]))
    named = [items.name(n) for n in range(len(items.hashes))]
    assert len(set(named)) == len(set(items.hashes.tolist())) == 5


def test_the_worst_item_of_a_caption_is_named():
    items = token_items(Tokens.of_lists([["rare", "rarer", "fine"], ["fine"], [], ["rare"]]))
    rare, rarer = hash_texts(["rare", "rarer"]).tolist()
    failing = tally_of({rare: 9, rarer: 2})
    floor = failures(items, failing, is_floor=True)
    assert floor.captions.tolist() == [0, 3]
    assert floor.measured.tolist() == [2, 9]
    assert floor.details == ["rarer", "rare"]
    assert failures(items, failing, is_floor=False).details == ["rare", "rare"]


def test_of_equally_bad_items_the_first_is_named():
    items = token_items(Tokens.of_lists([["b", "a"]]))
    failing = tally_of(dict.fromkeys(hash_texts(["a", "b"]).tolist(), 3))
    assert failures(items, failing, is_floor=True).details == ["b"]


def test_nothing_fails_where_nothing_is_failing():
    found = failures(text_items(["a"]), tally_of({}), is_floor=False)
    assert (len(found.captions), found.details) == (0, [])
    assert np.issubdtype(found.measured.dtype, np.floating)
