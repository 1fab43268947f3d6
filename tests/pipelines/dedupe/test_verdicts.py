from pipelines.dedupe.signatures import Duplicate
from pipelines.dedupe.verdicts import judge
from pipelines.rejection import Rejection

PAIRS = [{"key": "a1", "url": "u", "caption": "one"}, {"key": "a2", "url": "u", "caption": "two"}]


def test_pairs_of_a_picture_without_findings_stay() -> None:
    assert list(judge(PAIRS, [], "dedupe")) == PAIRS


def test_all_pairs_of_a_superfluous_picture_go_with_its_best_reason() -> None:
    worse = Duplicate((-10, "x"), "near_duplicate", 1.0, 7.0)
    better = Duplicate((-20, "y"), "near_duplicate", 5.0, 7.0)
    expected = [
        Rejection("a1", "u", "one", "dedupe", "near_duplicate", 5.0, 7.0, "y"),
        Rejection("a2", "u", "two", "dedupe", "near_duplicate", 5.0, 7.0, "y"),
    ]
    assert list(judge(PAIRS, [worse, better], "dedupe")) == expected
    assert list(judge(PAIRS, [better, worse, better], "dedupe")) == expected
