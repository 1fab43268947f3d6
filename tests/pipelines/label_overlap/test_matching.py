import pytest

from pipelines.label_overlap.config import LabelOverlapConfig
from pipelines.label_overlap.matching import chosen_labels, clean_label, overlap

CONFIG = LabelOverlapConfig(table="labels.csv", min_labels=2, max_labels=4, min_score=0.1)


def test_the_best_labels_are_chosen_some_however_low():
    scored = [("a", 0.05), ("b", 0.6), ("c", 0.01), ("d", 0.2), ("e", 0.2), ("f", 0.15)]
    assert chosen_labels(scored, CONFIG) == ["b", "d", "e", "f"]
    assert chosen_labels(scored[:1] + scored[2:3], CONFIG) == ["a", "c"]
    assert chosen_labels([("b", 0.6), ("d", 0.05), ("a", 0.04)], CONFIG) == ["b", "d"]
    assert chosen_labels([], CONFIG) == []


@pytest.mark.parametrize(
    ("label", "caption", "number"),
    [
        ("dog", "Two dogs on the beach", 1),
        ("golden retriever", "a retriever, wet", 1),
        ("golden retriever", "the golden hour", 0),  # its last word is what it is
        ("tench, Tinca tinca", "a man with a TENCH", 1),
        ("sea lion", "sea-lions asleep", 1),
        ("woman", "women's shoes", 1),
        ("cat", "category of things", 0),
        ("person", "people at a market", 1),
        ("running", "he runs", 1),
        ("...", "...", 0),
    ],
)
def test_a_label_is_named_by_any_form_of_its_last_word(label, caption, number):
    assert overlap([label], caption) == number


def test_labels_named_are_counted_once_each():
    assert overlap(["dog", "beach", "sea"], "dogs, a dog and another dog at the sea") == 2


def test_a_label_is_one_line_without_a_separator():
    assert clean_label("n02099601 golden_retriever ") == "golden retriever"
    assert clean_label("a;  b\n") == "a, b"
