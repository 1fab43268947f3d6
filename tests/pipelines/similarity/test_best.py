from fractions import Fraction
from hashlib import blake2b

import numpy as np
import pytest

from pipelines.similarity.best import (
    WIDTHS,
    advance,
    are_best,
    begin,
    count,
    digits_of,
    merge,
    order_of,
    score_of,
)


def keys_of(number: int) -> list[str]:
    return [blake2b(bytes([n % 256, n // 256]), digest_size=20).hexdigest() for n in range(number)]


def last_row(parts, share):
    """The cutoff over all parts, each of which is only ever counted."""
    cutoff = begin(merge([count(part, None) for part in parts]), share)
    assert cutoff is not None
    for _ in WIDTHS[1:]:
        cutoff = advance(cutoff, merge([count(part, cutoff) for part in parts]))
    return cutoff


def best_by_sorting(scores, keys, share):
    wanted = max(1, int(Fraction(str(share)) * len(keys)))
    digests = [blake2b(key.encode(), digest_size=8).digest()[::-1] for key in keys]
    order = sorted(range(len(keys)), key=lambda n: (-scores[n], digests[n]))
    return set(order[:wanted])


@pytest.mark.parametrize("share", [1e-9, 0.1, 0.29, 0.3, 0.5, 0.999, 1])
@pytest.mark.parametrize("distinct", [1, 2, 7, 100_000])
def test_the_best_are_those_of_a_sort_however_rows_are_dealt_out(share, distinct):
    rng = np.random.default_rng(distinct)
    values = rng.normal(0.2, 0.1, distinct).astype(np.float32)
    scores, keys = rng.choice(values, 1000), keys_of(1000)
    expected = best_by_sorting(scores.tolist(), keys, share)
    for num_parts in (1, 5):
        dealt = [np.arange(n, 1000, num_parts) for n in range(num_parts)]
        parts = [digits_of(scores[rows], [keys[row] for row in rows]) for rows in dealt]
        cutoff = last_row(parts, share)
        kept = [rows[are_best(part, cutoff)] for rows, part in zip(dealt, parts, strict=True)]
        assert set(np.concatenate(kept).tolist()) == expected
        assert cutoff.left == 1


def test_0_29_of_a_hundred_rows_is_29():
    digits = digits_of(np.linspace(0, 1, 100, dtype=np.float32), keys_of(100))
    assert are_best(digits, last_row([digits], 0.29)).sum() == 29  # 0.29 * 100 < 29 in floats


def test_one_row_is_kept_at_least_and_of_none_none():
    one = digits_of(np.array([0.5], np.float32), keys_of(1))
    assert are_best(one, last_row([one], 0.001)).all()
    nothing = digits_of(np.empty(0, np.float32), [])
    assert begin(merge([count(nothing, None)]), 0.5) is None
    assert begin(merge([]), 0.5) is None


def test_order_is_that_of_descending_scores_and_has_a_way_back():
    scores = np.array([-1e9, -1, -1e-40, -0.0, 0.0, 1e-40, 0.28, 0.3, 1, 3e38], np.float32)
    order = order_of(scores)
    assert np.all(np.diff(order[[0, 1, 2, 3, 5, 6, 7, 8, 9]].astype(np.int64)) < 0)
    assert order[3] == order[4]  # no order between two zeros
    assert [score_of(int(one)) for one in order] == (scores + 0).tolist()


def test_the_last_row_names_its_score():
    scores = np.array([0.1, 0.4, 0.3, 0.2], np.float32)
    digits = digits_of(scores, keys_of(4))
    assert last_row([digits], 0.5).score == scores[2]
