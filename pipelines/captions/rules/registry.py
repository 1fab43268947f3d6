"""The rules on one caption. A new rule is a file with its `RULES`, and its line here."""

from pipelines.captions.registry import Registry
from pipelines.captions.rules import language, lexicons, tags, text, transformed
from pipelines.captions.rules.rule import Rule
from pipelines.plugins import RULES as GROUP
from pipelines.plugins import installed

RULES: Registry[Rule] = Registry(
    *text.RULES,
    *language.RULES,
    *lexicons.RULES,
    *tags.RULES,
    *transformed.RULES,
    load=lambda: installed(GROUP, Rule),
)
