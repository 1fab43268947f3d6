"""How good the tagger is on captions, as stated in its documentation and in the report."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from pipelines.captions.rules.tags import DETERMINERS, NOUNS
from pipelines.text.tagging import perceptron
from pipelines.text.tagging.tokenise import tokenise
from tests.support.tagging import accuracy, scores
from tests.support.tagging.sample import HELD_OUT, SAMPLE, examples
from tests.support.tagging.scores import PREPOSITIONS, Pairs

STATED = Path(perceptron.__file__).with_name("ACCURACY.md")
both = pytest.mark.parametrize("name", [SAMPLE, HELD_OUT])


@cache
def tagged_pairs(name: str) -> list[Pairs]:
    return accuracy.tagged_pairs(examples(name))


def test_size():
    assert [len(examples(name)) for name in (SAMPLE, HELD_OUT)] == [129, 134]
    assert [sum(map(len, tagged_pairs(name))) for name in (SAMPLE, HELD_OUT)] == [1146, 1116]


def test_nothing_held_out_is_in_the_sample():
    texts = [{example.text.lower() for example in examples(name)} for name in (SAMPLE, HELD_OUT)]
    assert texts[0].isdisjoint(texts[1])
    assert len(texts[1]) == len(examples(HELD_OUT))


@both
def test_words_are_split_as_by_hand(name):
    for example in examples(name):
        assert tokenise([example.text]).lists()[0] == [word for word, _ in example.pairs]


def test_what_is_stated_is_so():
    lines = STATED.read_text("utf-8").splitlines()
    assert [row for row in (*accuracy.by_tagger(), *accuracy.by_style()) if row not in lines] == []


@pytest.mark.parametrize(
    ("name", "of_tokens", "of_captions"), [(SAMPLE, 0.91, 0.52), (HELD_OUT, 0.865, 0.33)]
)
def test_token_and_caption_accuracy(name, of_tokens, of_captions):
    assert scores.of_tokens(tagged_pairs(name)) >= of_tokens
    assert scores.of_captions(tagged_pairs(name)) >= of_captions


@pytest.mark.parametrize(
    ("name", "tags", "precision", "recall"),
    [
        (SAMPLE, DETERMINERS, 0.99, 0.99),
        (SAMPLE, NOUNS, 0.94, 0.95),
        (SAMPLE, PREPOSITIONS, 0.97, 0.98),
        (HELD_OUT, DETERMINERS, 0.98, 0.97),
        (HELD_OUT, NOUNS, 0.935, 0.945),
        (HELD_OUT, PREPOSITIONS, 0.94, 0.98),
    ],
)
def test_precision_and_recall(name, tags, precision, recall):
    found = scores.of_class(tagged_pairs(name), tags)
    assert found.precision >= precision
    assert found.recall >= recall


@both
@pytest.mark.parametrize(
    ("tags", "least_agreement"), [(DETERMINERS, 0.99), (NOUNS, 0.99), (PREPOSITIONS, 0.97)]
)
def test_captions_without_a_class_are_found(name, tags, least_agreement):
    def lacks(found: Iterable[str]) -> bool:
        return not set(tags) & set(found)

    agreed = [
        lacks(tag for tag, _ in pairs) == lacks(guess for _, guess in pairs)
        for pairs in tagged_pairs(name)
    ]
    assert sum(agreed) / len(agreed) >= least_agreement
