"""Against published values, and a plain count of pairs."""

from itertools import combinations

import pytest

from orchestration.human_study.agreement import fleiss_kappa, majority, pairwise, wilson

# Source: Fleiss 1971, table 1, as the data `diagnoses` of R's package irr has it: 30 patients by
# six psychiatrists each. Equal rows are written once, with their number.
DIAGNOSES = """444444 222555 233335 555555*4 222444 113333 333355 113334 114444*2 144444*2 124444
222333 224445 333335 111455 111112 224444*2 133555 244444 224555 144445 222224 111155 133333"""
# Source: Newcombe 1998, table I, method 3, of the examples in its text.
WILSON = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


def diagnoses() -> list[str]:
    rows = [(row.partition("*")[0], int(row.partition("*")[2] or 1)) for row in DIAGNOSES.split()]
    return [answers for answers, number in rows for _ in range(number)]


def test_the_table_is_fleiss():
    assert len(diagnoses()) == 30
    assert [sum(row.count(d) for row in diagnoses()) for d in "12345"] == [26, 26, 30, 55, 43]


def test_kappa_is_that_of_fleiss():
    assert pairwise(diagnoses()) == pytest.approx(0.5556, abs=5e-5)
    assert fleiss_kappa(diagnoses()) == pytest.approx(0.4302445, abs=5e-8)


def test_kappa_of_another_example():
    """Source: statsmodels `stats/tests/test_inter_rater.py`, `table1`: 14 raters, 0.210."""
    counts = """0 0 0 0 14; 0 2 6 4 2; 0 0 3 5 6; 0 3 9 2 0; 2 2 8 1 1; 7 7 0 0 0; 3 2 6 3 0;
    2 5 3 2 2; 6 5 2 1 0; 0 2 2 3 7"""
    rows = [[int(n) for n in row.split()] for row in counts.split(";")]
    subjects = ["".join(d * n for d, n in zip("abcde", row, strict=True)) for row in rows]
    assert fleiss_kappa(subjects) == pytest.approx(0.210, abs=5e-4)


def test_pairs_are_counted_also_where_raters_are_missing():
    subjects = ["aab", "abab", "aa", "b"]
    shares = [[one == other for one, other in combinations(answers, 2)] for answers in subjects[:3]]
    assert pairwise(subjects) == pytest.approx(sum(sum(s) / len(s) for s in shares) / 3)
    assert fleiss_kappa(subjects) == fleiss_kappa(subjects[:3])


def test_agreement_has_ends():
    assert fleiss_kappa(["aaaaa", "bbbbb"]) == 1.0
    assert fleiss_kappa(["ab", "ab"]) == -1.0
    assert fleiss_kappa(["aaa", "aaa"]) is None  # of one answer alone chance says as much
    assert (pairwise(["a"]), fleiss_kappa([])) == (None, None)


@pytest.mark.parametrize(("successes", "trials", "low", "high"), WILSON)
def test_intervals_are_those_of_newcombe(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_the_papers_shares_have_narrow_intervals():
    """Source: Ramesh et al. 2021, section 3.1: 90.0 % and 93.3 % of 1,000 tasks."""
    assert wilson(900, 1000) == pytest.approx((0.8798, 0.9171), abs=5e-5)
    low, high = wilson(0, 0)
    assert (low, high) == (0, 1)


def test_a_majority_is_more_than_half():
    assert majority("aabba") == "a"
    assert majority("aabbn") is None
    assert majority("aabb") is None
    assert majority("") is None
