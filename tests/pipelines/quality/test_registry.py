from pathlib import Path

import pytest

from pipelines.quality.registry import registry
from pipelines.records import IMAGE_SCHEMA


def test_each_module_is_a_scorer_of_its_name_and_the_cheapest_come_first():
    folder = Path(__file__).parents[3] / "pipelines" / "quality" / "scorers"
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert [scorer.name for scorer in registry()] == ["plain", "faces", "nsfw", "text"]
    assert {scorer.name for scorer in registry()} == names


def test_no_two_scorers_share_a_column_or_a_reason():
    columns = [c.name for s in registry() for c in s.columns(s.config())]
    reasons = [rule.reason for scorer in registry() for rule in scorer.rules]
    assert len(columns) == len(set(columns))
    assert len(reasons) == len(set(reasons))
    assert not set(columns) & set(IMAGE_SCHEMA.names)


@pytest.mark.parametrize("scorer", registry(), ids=lambda scorer: scorer.name)
def test_rules_are_on_columns_and_settings_that_are_there(scorer):
    columns = {column.name for column in scorer.columns(scorer.config())}
    assert {rule.column for rule in scorer.rules} <= columns
    assert {rule.setting for rule in scorer.rules} <= set(scorer.config.model_fields)
