"""All rules by name. To make a list of names, no model and no word list is loaded."""

from collections.abc import Mapping
from types import MappingProxyType

from pipelines.captions.rules import language, lexicons, tags, text, transformed
from pipelines.captions.rules.rule import Rule
from pipelines.captions.settings import Settings


def rules(settings: Settings) -> Mapping[str, Rule]:
    """The rules on one caption, with the word lists that a recipe chooses."""
    return _by_name(
        *text.RULES,
        *language.RULES,
        lexicons.rare_word_rule(settings.vocabulary),
        lexicons.polarity_rule(),
        lexicons.profanity_rule(settings.profanities),
        *tags.RULES,
        *transformed.RULES,
    )


def _by_name(*all_rules: Rule) -> Mapping[str, Rule]:
    return MappingProxyType({rule.name: rule for rule in all_rules})


RULE_NAMES = tuple(rules(Settings()))
