import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.captions.batch import Batch
from pipelines.captions.rules import tags
from pipelines.captions.rules.tags import RULES
from pipelines.text.tagging.tagged import PTB_TAGS, TAG_NUMBERS, Tagged
from pipelines.text.tokens import Tokens
from tests.support.captions.batches import batch_of

BY_NAME = {rule.name: rule for rule in RULES}
PAIRS = st.lists(
    st.lists(st.tuples(st.sampled_from("abAB."), st.sampled_from(PTB_TAGS)), max_size=6), max_size=5
)


def tagged_batch(captions: Sequence[Sequence[tuple[str, str]]]) -> Batch:
    """A batch that is tagged already, by (word, tag)."""
    words = Tokens.of_lists([[word for word, _ in pairs] for pairs in captions])
    numbers = [TAG_NUMBERS[tag] for pairs in captions for _, tag in pairs]
    batch = batch_of([""] * len(captions))
    batch.tagged = Tagged(words, np.array(numbers, np.uint8))
    return batch


def measure(name: str, *captions: str) -> list[float]:
    pairs = [[_pair(item) for item in caption.split()] for caption in captions]
    return BY_NAME[name].measure(tagged_batch(pairs)).tolist()


def _pair(item: str) -> tuple[str, str]:
    word, _, tag = item.rpartition("/")
    return word, tag


@pytest.mark.parametrize(
    ("name", "caption", "expected"),
    [
        ("no_determiner", "a/DT dog/NN", 1),
        ("no_determiner", "all/PDT the/DT dogs/NNS which/WDT", 3),
        ("no_determiner", "dogs/NNS", 0),
        ("no_noun", "Dogs/NNS in/IN London/NNP", 2),
        ("no_noun", "red/JJ", 0),
        ("no_preposition", "dogs/NNS in/IN London/NNP", 1),
        ("no_preposition", "trip/NN to/TO London/NNP", 1),
        ("no_preposition", "how/WRB to/TO swim/VB", 0),
        ("no_preposition", "way/NN to/TO", 1),
        ("noun_ratio", "a/DT red/JJ dog/NN ,/, cat/NN", 0.5),
        ("noun_ratio", ",/, ./.", 0),
        ("proper_noun_ratio", "dogs/NNS in/IN New/NNP York/NNP", 0.5),
        ("few_unique_content_words", "a/DT Dog/NN and/CC a/DT dog/NN sits/VBZ", 0.5),
        ("few_unique_content_words", "red/JJ red/JJ red/JJ dog/NN cat/NN", 1 / 3),
        ("few_unique_content_words", "run/NN run/VB", 1),
        ("few_unique_content_words", "the/DT ./.", math.nan),
    ],
)
def test_measures(name, caption, expected):
    assert measure(name, caption) == [pytest.approx(expected, nan_ok=True)]


def test_a_verb_of_the_next_caption_is_not_looked_at():
    assert measure("no_preposition", "the/DT way/NN to/TO", "swim/VB", "") == [1, 0, 0]


@given(PAIRS)
def test_captions_are_measured_by_themselves(captions):
    for rule in RULES:
        together = rule.measure(tagged_batch(captions))
        alone = [rule.measure(tagged_batch([pairs]))[0] for pairs in captions]
        assert together.dtype == np.float64
        np.testing.assert_array_equal(together, np.array(alone, np.float64))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rules_work_on_text(rule):
    batch = batch_of(["A dog runs over the grass.", "", "dog cat"])
    assert rule.measure(batch).shape == (3,)
    assert rule.details(batch)[2] == "dog/NN cat/NN"


def test_every_tag_is_a_word_or_a_mark():
    assert set(tags.WORDS) | set(tags.MARKS) == set(PTB_TAGS)
    assert not set(tags.WORDS) & set(tags.MARKS)
