import numpy as np
import pyarrow as pa
import pytest

from pipelines.select.scores import FractionError, TopFraction, bins, scores_from


def threshold(parts: list[np.ndarray], fraction: float) -> float:
    survey, tables = TopFraction(fraction), [pa.table({"score": part}) for part in parts]
    counts = np.sum([survey.count(table) for table in tables], axis=0)
    gathered = [survey.gather(table, counts) for table in tables]
    assert sum(map(len, gathered)) < sum(map(len, parts)) / 2
    return survey.settle(counts, np.concatenate(gathered))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("fraction", [0.001, 0.3, 0.5, 0.77, 0.999])
def test_the_threshold_is_the_score_at_that_rank(dtype, fraction):
    scores = np.random.default_rng(0).normal(0, 1, 5000).astype(dtype)
    expected = np.sort(scores)[::-1][int(5000 * fraction)]
    assert threshold(np.split(scores, [10, 10, 3000]), fraction) == expected


def test_rows_without_a_score_count_and_are_behind():
    scores = np.concatenate([np.arange(50.0), np.full(50, np.nan)])
    assert threshold([scores], 0.3) == 19.0
    with pytest.raises(FractionError, match="of 100 rows only 50 have a score"):
        TopFraction(0.7).settle(TopFraction(0.7).count(pa.table({"score": scores})), np.zeros(0))


def test_bins_ascend_with_scores():
    scores = np.array([-np.inf, -2.0, -1e-30, 0.0, 1e-30, 0.25, 0.2500001, 1.0, np.inf])
    assert (np.diff(bins(scores)) >= 0).all()
    assert bins(np.array([np.nan])).tolist() == [0]
    assert (bins(scores) > 0).all()


def test_a_limit_is_compared_in_the_type_of_the_scores():
    """As NumPy and pandas do: 0.7 is above float32's 0.7 as a float64, and equal to it as one."""
    judged = scores_from(0.7).judge(pa.table({"score": pa.array([0.7, 0.69, None], pa.float32())}))
    assert judged.passes.tolist() == [True, False, False]
