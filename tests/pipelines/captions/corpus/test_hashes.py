from hashlib import blake2b

import numpy as np

from pipelines.captions.corpus.hashes import hash_pairs, hash_texts, hash_words
from pipelines.text.tokens import Tokens


def test_a_text_has_the_hash_that_it_has_everywhere():
    expected = int.from_bytes(blake2b("Käse".encode(), digest_size=8).digest(), "little")
    assert hash_texts(["Käse", ""]).tolist()[0] == expected
    assert hash_texts([]).dtype == np.uint64


def test_words_are_hashed_as_texts_and_unused_ones_do_not_matter():
    words = Tokens.of_lists([["a", "dog", "a"], ["cat"]]).take(np.array([True, False]))
    assert hash_words(words).tolist() == hash_texts(["a", "dog", "a"]).tolist()


def test_pairs_have_an_order_and_are_no_words():
    words = hash_texts(["a", "b", "a", "a"])
    found = hash_pairs(words).tolist()
    assert len(set(found)) == 3
    assert not set(found) & set(words.tolist())


def test_a_hundred_thousand_pairs_do_not_collide():
    words = hash_texts(str(number) for number in range(320))
    lefts, rights = np.meshgrid(words, words)
    both = np.stack([lefts.ravel(), rights.ravel()], axis=1)
    found = hash_pairs(both.ravel())[::2]
    assert len(np.unique(found)) == 320 * 320
