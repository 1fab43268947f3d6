import gzip
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.tagging import perceptron
from pipelines.text.tagging.casing import truecased
from pipelines.text.tagging.forms import treebank_form
from pipelines.text.tagging.taggers import PERCEPTRON, load_tagger
from pipelines.text.tagging.tokenise import tokenise, with_quotes
from pipelines.text.tagging.weights import load_weights
from tests.support.nltk_tagger import nltk_tagger
from tests.support.slow_tagger import SlowTagger
from tests.support.tagging.sample import examples

REAL_TEXTS = Path(__file__).parents[4] / "demo" / "texts.tsv.gz"
UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@cache
def slow() -> SlowTagger:
    return SlowTagger()


def real_texts() -> list[str]:
    with gzip.open(REAL_TEXTS, "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n").split("\t")[1] for line in lines][1:]


def shuffled_words(count: int) -> list[str]:
    """Words of the sample in any order: many tokens in a row that are not settled."""
    source = random.Random(0)
    words = [word for example in examples() for word in example.text.split()]
    return [" ".join(source.choices(words, k=source.randint(1, 20))) for _ in range(count)]


def forms(texts: list[str]) -> list[list[str]]:
    """What both taggers see."""
    words = truecased(with_quotes(tokenise(texts), texts), load_weights()).lists()
    return [[treebank_form(word) for word in caption] for caption in words]


def tags(texts: list[str]) -> list[list[str]]:
    return [[tag for _, tag in pairs] for pairs in load_tagger(PERCEPTRON).tag(texts).pairs()]


@pytest.mark.parametrize("texts", [real_texts()[::8], shuffled_words(700)], ids=["real", "mixed"])
def test_tags_are_those_of_the_published_algorithm(texts):
    assert tags(texts) == [slow().tag(words) for words in forms(texts)]


@given(st.lists(UNICODE, max_size=5))
def test_so_they_are_for_any_text(texts):
    assert tags(texts) == [slow().tag(words) for words in forms(texts)]


def test_tags_are_those_of_nltk():
    texts = real_texts()[::15]
    ours = [tag for caption in tags(texts) for tag in caption]
    seen = {form for words in forms(texts) for form in words}
    # Those of marks that were never seen in training are ours.
    peer = nltk_tagger({form: tag for form in seen if (tag := load_weights().single_tag(form))})
    theirs = [tag for words in forms(texts) for _, tag in peer.tag(words)]
    assert len(ours) > 3000
    assert ours == theirs


def test_neighbours_and_size_of_the_batch_do_not_matter(monkeypatch):
    texts = [*shuffled_words(50), "", *(example.text for example in examples())]
    together = tags(texts)
    assert together == [tags([text])[0] for text in texts]
    monkeypatch.setattr(perceptron, "CAPTIONS_AT_ONCE", 7)
    assert together == tags(texts)


def test_words_are_given_back_as_written():
    (pairs,) = load_tagger(PERCEPTRON).tag(['A "Big" (old) DOG\u2019s bed']).pairs()
    assert " ".join(word for word, _ in pairs) == 'A " Big " ( old ) DOG \u2019s bed'


def test_quotes_open_and_close():
    (pairs,) = (
        load_tagger(PERCEPTRON).tag(["the premiere of 'Up' and \"A\", the dogs' day"]).pairs()
    )
    quotes = [pair for pair in pairs if pair[0] in {"'", '"'}]
    assert quotes == [("'", "``"), ("'", "''"), ('"', "``"), ('"', "''"), ("'", "POS")]


@pytest.mark.parametrize("texts", [[], [""], ["", "", ""]])
def test_nothing_has_no_tags(texts):
    tagged = load_tagger(PERCEPTRON).tag(texts)
    assert len(tagged) == len(texts)
    assert len(tagged.tags) == 0
    assert tagged.tags.dtype == np.uint8


@pytest.mark.parametrize("mark", ["\U0001f436", "\u2605", "/", "|", "*"])
def test_marks_that_were_never_seen_are_symbols(mark):
    assert tags([f"a dog {mark} a cat"])[0][2] == "SYM"
