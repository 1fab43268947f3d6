"""How good the tagger is on captions, as stated in its documentation and in the report."""

from collections.abc import Iterable

import pytest

from pipelines.captions.rules.tags import DETERMINERS, NOUNS
from pipelines.captions.tagging.taggers import PERCEPTRON, load_tagger
from pipelines.captions.tagging.tokenise import tokenise
from tests.pipelines.captions.tagging.sample import examples

Pairs = list[tuple[str, str]]  # (tag by hand, tag by the tagger)


@pytest.fixture(scope="module")
def judged() -> list[Pairs]:
    found = load_tagger(PERCEPTRON).tag([example.text for example in examples()]).pairs()
    return [
        [(tag, guess) for (_, tag), (_, guess) in zip(example.pairs, pairs, strict=True)]
        for example, pairs in zip(examples(), found, strict=True)
    ]


def test_size():
    assert len(examples()) == 129
    assert sum(len(example.pairs) for example in examples()) == 1146


def test_words_are_split_as_by_hand():
    for example in examples():
        assert tokenise(example.text) == [word for word, _ in example.pairs]


def test_token_accuracy(judged):
    tokens = [pair for pairs in judged for pair in pairs]
    assert sum(tag == guess for tag, guess in tokens) / len(tokens) >= 0.91


@pytest.mark.parametrize(
    ("tags", "least_precision", "least_recall"),
    [(DETERMINERS, 0.99, 0.99), (NOUNS, 0.94, 0.95), (("IN", "TO"), 0.97, 0.98)],
    ids=["determiner", "noun", "preposition"],
)
def test_precision_and_recall(judged, tags, least_precision, least_recall):
    tokens = [pair for pairs in judged for pair in pairs]
    hits = sum(tag in tags and guess in tags for tag, guess in tokens)
    assert hits / sum(guess in tags for _, guess in tokens) >= least_precision
    assert hits / sum(tag in tags for tag, _ in tokens) >= least_recall


@pytest.mark.parametrize(
    ("tags", "least_agreement"), [(DETERMINERS, 0.99), (NOUNS, 0.99), (("IN", "TO"), 0.97)]
)
def test_captions_without_a_class_are_found(judged, tags, least_agreement):
    def lacks(found: Iterable[str]) -> bool:
        return not set(tags) & set(found)

    agreed = [lacks(tag for tag, _ in pairs) == lacks(g for _, g in pairs) for pairs in judged]
    assert sum(agreed) / len(agreed) >= least_agreement
