import numpy as np
import pytest

from pipelines.captions.batch import Batch
from pipelines.captions.rules.lexicons import RULES
from pipelines.captions.rules.rule import Rule
from tests.support.captions.batches import batch_of

RARE_WORD, POLARITY, PROFANITY = RULES


def details_of(rule: Rule, batch: Batch) -> list[str]:
    assert rule.details
    return rule.details(batch)


@pytest.fixture
def counts(tmp_path):
    path = tmp_path / "counts.tsv"
    path.write_text("a\t900\ndog\t19\non\t800\ngrass\t20\n")
    return str(path)


@pytest.fixture
def phrases(tmp_path):
    path = tmp_path / "phrases.txt"
    path.write_text("blort\nsnick snack\n")
    return str(path)


def test_rare_words(counts):
    rule = RARE_WORD
    captions = ["A dog on grass", "grass on a", "a Frob's quux", "12 2009", ""]
    batch = batch_of(captions, vocabulary=counts)
    np.testing.assert_equal(rule.measure(batch), [19, 20, 0, np.nan, np.nan])
    assert rule.passes(rule.measure(batch), 20).tolist() == [False, True, False, True, True]
    assert details_of(rule, batch)[:3] == ["dog", "grass", "frob's, quux"]


def test_profanity(phrases):
    rule = PROFANITY
    captions = ["a Blort-free Snick Snack", "snick", "blort blort", ""]
    batch = batch_of(captions, profanities=phrases)
    assert rule.measure(batch).tolist() == [2, 0, 2, 0]
    assert rule.passes(rule.measure(batch), 0).tolist() == [False, True, False, True]
    assert details_of(rule, batch) == ["blort-free, Snick Snack", "", "blort, blort", ""]


def test_polarity():
    rule = POLARITY
    batch = batch_of(
        ["a dog on grass", "a happy dog", "WE HATE THIS UGLY HORRIBLE DOG!!!", ":)", ""]
    )
    measured = rule.measure(batch)
    assert rule.passes(measured, 0.8).tolist() == [True, True, False, True, True]
    assert measured[[0, 4]].tolist() == [0, 0]
    assert [detail[0] for detail in details_of(rule, batch)] == ["+", "+", "-", "+", "+"]


@pytest.mark.parametrize("rule", [POLARITY, RARE_WORD], ids=lambda rule: rule.name)
def test_neighbours_change_nothing(rule):
    captions = ["a happy dog", "two dead frogs", "qxzt on the grass", "great :) fun", ""]
    together = rule.measure(batch_of(captions))
    alone = [rule.measure(batch_of([caption]))[0] for caption in captions]
    np.testing.assert_equal(together, alone)
    taken = batch_of(captions)
    taken.lowered.counts()
    mask = np.array([True, False, True, False, True])
    np.testing.assert_equal(rule.measure(taken.take(mask)), together[mask])
