import numpy as np
import pytest

from pipelines.captions.batch import Batch
from pipelines.captions.rules.lexicons import polarity_rule, profanity_rule, rare_word_rule
from pipelines.captions.rules.rule import Rule
from tests.support.captions.batches import batch_of


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
    rule = rare_word_rule(counts)
    batch = batch_of(["A dog on grass", "grass on a", "a Frob's quux", "12 2009", ""])
    np.testing.assert_equal(rule.measure(batch), [19, 20, 0, np.nan, np.nan])
    assert rule.passes(rule.measure(batch), 20).tolist() == [False, True, False, True, True]
    assert details_of(rule, batch)[:3] == ["dog", "grass", "frob's, quux"]


def test_profanity(phrases):
    rule = profanity_rule(phrases)
    batch = batch_of(["a Blort-free Snick Snack", "snick", "blort blort", ""])
    assert rule.measure(batch).tolist() == [2, 0, 2, 0]
    assert rule.passes(rule.measure(batch), 0).tolist() == [False, True, False, True]
    assert details_of(rule, batch) == ["blort-free, Snick Snack", "", "blort, blort", ""]


def test_polarity():
    rule = polarity_rule()
    batch = batch_of(
        ["a dog on grass", "a happy dog", "WE HATE THIS UGLY HORRIBLE DOG!!!", ":)", ""]
    )
    measured = rule.measure(batch)
    assert rule.passes(measured, 0.8).tolist() == [True, True, False, True, True]
    assert measured[[0, 4]].tolist() == [0, 0]
    assert [detail[0] for detail in details_of(rule, batch)] == ["+", "+", "-", "+", "+"]


@pytest.mark.parametrize("make", [polarity_rule, lambda: rare_word_rule("wordfreq")])
def test_neighbours_change_nothing(make):
    captions = ["a happy dog", "two dead frogs", "qxzt on the grass", "great :) fun", ""]
    together = make().measure(batch_of(captions))
    alone = [make().measure(batch_of([caption]))[0] for caption in captions]
    np.testing.assert_equal(together, alone)
    taken = batch_of(captions)
    taken.lowered.counts()
    mask = np.array([True, False, True, False, True])
    np.testing.assert_equal(make().measure(taken.take(mask)), together[mask])
