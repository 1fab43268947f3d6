import math

import pytest

from tests.support.tagging import scores

CAPTIONS = [
    [("DT", "DT"), ("NN", "NNP"), ("IN", "RP")],  # by hand, by the tagger
    [("NN", "NN"), ("VBZ", "NNS")],
]


def test_shares_of_tokens_and_captions():
    assert scores.of_tokens(CAPTIONS) == 2 / 5
    assert scores.of_captions(CAPTIONS) == 0
    assert scores.of_captions([*CAPTIONS, [("NN", "NN")]]) == pytest.approx(1 / 3)


def test_tags_of_one_class_are_alike():
    assert scores.of_class(CAPTIONS, ("NN", "NNS", "NNP")) == (2 / 3, 1)


def test_a_class_that_is_not_there_has_no_shares():
    assert math.isnan(scores.of_class(CAPTIONS, ("IN",)).precision)
    assert scores.row("a | b", CAPTIONS) == (
        "| a | b | 2 | 5 | 0.400 | 0.00 | 1.00 / 1.00 | 0.67 / 1.00 | nan / 0.00 |"
    )
