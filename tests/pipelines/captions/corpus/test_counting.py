from collections import Counter
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.captions.batch import Batch
from pipelines.captions.corpus import rare_ngrams
from pipelines.captions.corpus.hashes import hash_texts
from pipelines.captions.corpus.shard import shard_captions, tallies
from pipelines.captions.corpus.tally import Tally
from pipelines.captions.corpus.text_of_many_images import text_items, text_tally
from pipelines.captions.funnel import Funnel
from pipelines.captions.recipe import load_funnel
from pipelines.captions.result import FilterResult
from pipelines.captions.shard import filter_candidates
from tests.support.captions.funnels import candidates, filtered_of, funnel_of
from tests.support.captions.tallies import as_dict

TEXT_OF_MANY_IMAGES, RARE_NGRAMS, RARE_TYPES = "text_of_many_images", "rare_ngrams", "rare_types"


def counted(table: pa.Table, filtered: FilterResult, funnel: Funnel) -> dict[str, Tally]:
    return tallies(shard_captions(table, filtered, funnel), funnel.corpus_steps)


def hashed(counts: dict[str, int]) -> dict[int, int]:
    return dict(zip(hash_texts(counts).tolist(), counts.values(), strict=True))


def test_only_what_the_recipe_asks_for_is_counted():
    table = candidates([("a", "A dog")])
    assert counted(table, filtered_of(["A dog"]), funnel_of({})) == {}
    found = counted(table, filtered_of(["A dog"]), funnel_of({RARE_TYPES: 101}))
    assert list(found) == [RARE_TYPES]


def test_texts_are_counted_once_an_image_and_only_where_they_are_left():
    table = candidates([("a", "one"), ("a", "One"), ("b", "one"), ("c", "one"), ("d", "two")])
    filtered = filtered_of(["one", "one", "one", "two"], rows=[0, 1, 2, 4])
    found = counted(table, filtered, funnel_of({TEXT_OF_MANY_IMAGES: 10}))
    assert as_dict(found[TEXT_OF_MANY_IMAGES]) == hashed({"one": 2, "two": 1})


def test_images_without_a_caption_share_no_text():
    table = candidates([("a", ""), ("b", ""), ("c", "one"), ("d", "")])
    filtered = filtered_of(["", "", "one", ""])
    found = counted(table, filtered, funnel_of({TEXT_OF_MANY_IMAGES: 1}))
    assert as_dict(found[TEXT_OF_MANY_IMAGES]) == hashed({"one": 1})
    items = text_items(shard_captions(table, filtered, funnel_of({TEXT_OF_MANY_IMAGES: 1})))
    assert (items.captions.tolist(), items.name(0)) == ([2], "one")


@pytest.mark.parametrize("rule", [TEXT_OF_MANY_IMAGES, RARE_NGRAMS, RARE_TYPES])
def test_no_rule_over_all_data_finds_anything_in_captions_that_are_empty(rule):
    table, filtered = candidates([("a", ""), ("b", "")]), filtered_of(["", ""])
    assert as_dict(counted(table, filtered, funnel_of({rule: 1}))[rule]) == {}


def test_types_are_counted_by_mention():
    filtered = filtered_of(["x", "y", "z"], types=[["person", "person"], [], ["person", "city"]])
    table = candidates([("a", "x"), ("a", "y"), ("a", "z")])
    found = counted(table, filtered, funnel_of({RARE_TYPES: 101}))
    assert as_dict(found[RARE_TYPES]) == hashed({"person": 3, "city": 1})


def test_words_of_dropped_captions_count_but_not_of_those_too_long_to_read():
    table = candidates([("a", "A dog"), ("b", "a DOG"), ("c", "x " * 60)])
    funnel = funnel_of({RARE_NGRAMS: 100}, max_raw_chars=100)
    found = as_dict(counted(table, filtered_of([], rows=[]), funnel)[RARE_NGRAMS])
    assert sorted(found.values()) == [2, 2, 2]
    assert hashed({"a": 2, "dog": 2}).items() <= found.items()


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=8), st.integers(1, 3))
def test_words_are_counted_the_same_in_slices_of_any_size(captions, size):
    table = candidates([(str(n), " ".join(words)) for n, words in enumerate(captions)])
    shard = shard_captions(table, filtered_of([], rows=[]), funnel_of({}))
    whole = rare_ngrams.ngram_tally(shard)
    with patch.object(rare_ngrams, "BATCH_CAPTIONS", size):
        sliced = rare_ngrams.ngram_tally(shard)
    assert as_dict(sliced) == as_dict(whole)
    unigrams = Counter(word for words in captions for word in words)
    assert hashed(unigrams).items() <= as_dict(whole).items()


CAPTIONS = ["a dog on the beach", "a  dog on the beach ", "a dog", "ein Hund im Wald", "dog " * 21]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(CAPTIONS)), max_size=20))
def test_counting_what_is_left_is_counting_what_was_found(pairs):
    """Rules on texts treat equal texts alike, so a text keeps all of its images or none."""
    funnel = load_funnel("align", {"rare_ngrams": None, "image_with_many_texts": None})
    table = candidates(sorted(set(pairs)))
    filtered = filter_candidates(table, funnel)
    every = Batch(table["caption"].combine_chunks(), funnel.spec).text
    found = replace(filtered, rows=np.arange(len(every)), texts=every)
    before = as_dict(text_tally(shard_captions(table, found, funnel)))
    after = as_dict(text_tally(shard_captions(table, filtered, funnel)))
    left = hash_texts(set(filtered.texts.to_pylist())).tolist()
    assert after == {text: before[text] for text in left}


def test_an_empty_shard_counts_nothing():
    table = candidates([])
    limits = {TEXT_OF_MANY_IMAGES: 10.0, RARE_NGRAMS: 10.0, RARE_TYPES: 10.0}
    found = counted(table, filtered_of([]), funnel_of(limits))
    assert [len(tally) for tally in found.values()] == [0, 0, 0]
    assert isinstance(table, pa.Table)
    assert all(tally.hashes.dtype == np.uint64 for tally in found.values())
