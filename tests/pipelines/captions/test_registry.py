import pytest

from pipelines.captions.registry import Registry
from pipelines.captions.rules.registry import RULES
from pipelines.captions.rules.transformed import RULES as TRANSFORMED

[RULE] = TRANSFORMED


def test_rules_are_known_by_name_in_their_order():
    registry = Registry(*reversed(list(RULES.values())))
    assert list(registry) == list(RULES)[::-1]
    assert registry[RULE.name] is RULE
    assert len(registry) == len(RULES)


def test_a_name_is_taken_once_and_free_again_afterwards():
    registry = Registry(RULE)
    with pytest.raises(ValueError, match="there is a rule 'unresolved_names' already"):
        registry.register(RULE)
    registry.remove(RULE.name)
    assert RULE.name not in registry
    registry.register(RULE)
    assert list(registry) == [RULE.name]
