import math

import pytest

from pipelines.captions.rules.language import RULES
from tests.support.captions.batches import batch_of

[RULE] = RULES


@pytest.mark.parametrize(
    ("text", "measured", "passed"),
    [
        ("ein Hund und eine Katze auf dem Sofa", 0.0, False),
        ("blue heart", math.nan, True),
    ],
)
def test_both_sides(text, measured, passed):
    found = RULE.measure(batch_of(["a dog", text]))
    assert found[1] == pytest.approx(measured, nan_ok=True)
    assert RULE.passes(found, 0.1)[1] == passed


def test_details_name_the_language():
    assert RULE.details is not None
    texts = ["ein Hund und eine Katze auf dem Sofa", "a dog runs over the grass", "blue heart"]
    assert RULE.details(batch_of(texts)) == ["de", "en", "und"]


def test_another_language_may_be_wanted():
    german = batch_of(["ein Hund und eine Katze auf dem Sofa"], language="de")
    assert RULE.passes(RULE.measure(german), 0.1).all()
