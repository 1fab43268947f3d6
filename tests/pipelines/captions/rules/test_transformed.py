import numpy as np

from pipelines.captions.rules.transformed import RULES
from tests.support.captions.batches import batch_of


def test_names_count_only_after_a_rewriting() -> None:
    (rule,) = RULES
    batch = batch_of(["a view of Xanadu", "a view"])
    assert np.isnan(rule.measure(batch)).all()
    assert rule.passes(rule.measure(batch), 0).all()
    batch.unresolved = np.array([1.0, 0.0])
    assert rule.passes(rule.measure(batch), 0).tolist() == [False, True]
    assert rule.passes(rule.measure(batch), 1).all()
