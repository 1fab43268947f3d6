import pytest
from pydantic import BaseModel

from pipelines.quality.scorer import Rule
from pipelines.rejection import Check


class Limits(BaseModel):
    most: float | None = 2.0
    least: int | None = 1


@pytest.mark.parametrize(("value", "passed"), [(1.9, True), (2.0, True), (2.1, False)])
def test_a_value_at_the_limit_passes(value, passed):
    found = Rule("too_much", "seen", "most").check({"seen": value}, Limits())
    assert found == Check("too_much", passed, value, 2.0)


@pytest.mark.parametrize(("value", "passed"), [(0, False), (1, True)])
def test_a_least_value(value, passed):
    found = Rule("too_little", "seen", "least", is_least=True).check({"seen": value}, Limits())
    assert found == Check("too_little", passed, float(value), 1.0)


def test_there_is_no_check_without_a_limit_or_a_value():
    rule = Rule("too_much", "seen", "most")
    assert rule.check({"seen": 9}, Limits(most=None)) is None
    assert rule.check({}, Limits()) is None
