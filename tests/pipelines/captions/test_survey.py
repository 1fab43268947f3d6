import numpy as np

from pipelines.captions.recipe import load_funnel
from pipelines.captions.survey import survey

CAPTIONS = ["two words", "a cat on the mat", "a dog", "a cat on the mat", "one two three four"]


def test_captions_are_distinct_and_measured_by_every_rule():
    funnel = load_funnel("dalle", {})
    found = survey(CAPTIONS, funnel)
    assert found.captions == sorted(set(CAPTIONS))
    assert list(found.measured) == [rule.name for rule, _ in funnel.steps]
    assert found.measured["too_few_words"].tolist() == [5, 2, 4, 2]


def test_the_nearest_to_a_limit_come_first():
    found = survey(CAPTIONS, load_funnel("dalle", {}))
    assert found.nearest("too_few_words", 3, 3) == [
        ("a dog", 2.0),
        ("one two three four", 4.0),
        ("two words", 2.0),
    ]


def test_no_captions_are_no_samples():
    found = survey([], load_funnel("dalle", {}))
    assert found.nearest("too_few_words", 3, 3) == []
    assert all(values.dtype == np.float64 for values in found.measured.values())
