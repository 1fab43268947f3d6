import numpy as np
import pytest

from pipelines.text.tagging.tagged import PTB_TAGS
from pipelines.text.tagging.weights import STARTS, from_arrays, load_weights
from tools.tagger.make_weights import arrays

# A model by hand: "can" is a noun after a determiner and a modal verb elsewhere.
WEIGHTS = {
    "bias": {"NN": 0.5},
    "i word can": {"MD": 1.25, "NN": 1.0},
    "i-1 tag DT": {"NN": 0.001},
    "i-1 tag+i word DT can": {"NN": 2.0},
    "i-2 tag -START2-": {"MD": 0.25},
    "i tag+i-2 tag DT -START-": {"DT": -1.0},
    "i+1 word gone": {},
}
SINGLE = {"the": "DT"}
TAGS = {"DT", "MD", "NN"}


@pytest.fixture
def weights():
    return from_arrays(arrays(WEIGHTS, SINGLE, TAGS))


def test_columns_descend_so_that_ties_go_to_the_last_tag(weights):
    assert [PTB_TAGS[number] for number in weights.tags] == ["NN", "MD", "DT"]


def test_scores_are_whole_thousandths(weights):
    row = weights.rows["i word"]["can"]
    assert weights.scores.dtype == np.int32
    assert weights.scores[row].tolist() == [1000, 1250, 0]
    assert not weights.scores[0].any()


def test_a_tag_that_no_feature_speaks_for_has_its_column():
    weights = from_arrays(arrays(WEIGHTS, SINGLE, TAGS | {"#", "``"}))
    assert [PTB_TAGS[number] for number in weights.tags] == ["``", "NN", "MD", "DT", "#"]
    assert weights.scores[weights.rows["i word"]["can"]].tolist() == [0, 1000, 1250, 0, 0]


def test_scores_by_the_two_tags_before_hold_the_bias(weights):
    determiner, start, start2 = 2, 3, 4  # columns of tags, then `STARTS`
    assert STARTS == ("-START-", "-START2-")
    assert weights.of_tags[start, start2].tolist() == [500, 250, 0]
    assert weights.of_tags[determiner, start].tolist() == [501, 0, -1000]


def test_scores_by_the_tag_before_and_the_word(weights):
    rows = weights.of_words[weights.words["can"]]
    assert weights.scores[rows[2]].tolist() == [2000, 0, 0]
    assert not weights.of_words[0].any()


def test_features_without_weights_are_left_out(weights):
    assert "i+1 word" not in weights.rows


@pytest.mark.parametrize(("form", "tag"), [("the", "DT"), ("can", None), ("*", "SYM"), ("1", None)])
def test_single_tag(weights, form, tag):
    assert weights.single_tag(form) == tag


def test_likely_tag(weights):
    assert weights.likely_tag("can") == "MD"
    assert weights.likely_tag("gone") is None


def test_the_bundled_model():
    weights = load_weights()
    assert len(weights.tags) == 45
    assert sum(map(len, weights.rows.values())) == len(weights.scores) - 1 == 94_202
    assert len(weights.single) == 2604
