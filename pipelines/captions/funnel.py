"""Rules in order: the first that fails decides, and `explain` sees them all."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.captions.language import Speech
from pipelines.captions.single import RAW_LENGTH, Caption, Rule
from pipelines.rejection import Check


@dataclass(frozen=True)
class Funnel:
    """A recipe with all choices made.

    Args:
        max_raw_chars: longer raw text is not even normalised.
        steps: rules and their limits, first to last.
        speech: the language wanted.
    """

    max_raw_chars: float
    steps: tuple[tuple[Rule, float], ...]
    speech: Speech


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is kept of a caption: its cropped text and its language, `und` where it is open."""

    text: str
    language: str


def checks(raw: str, funnel: Funnel) -> Iterator[Check]:
    """Every check in the funnel's order, each computed when it is asked for.

    Ends after the first where the raw text is too long to be worth reading.
    """
    is_readable = len(raw) <= funnel.max_raw_chars
    yield Check(RAW_LENGTH, is_readable, len(raw), funnel.max_raw_chars)
    if is_readable:
        caption = Caption.read(raw)
        yield from (rule.check(caption, limit) for rule, limit in funnel.steps)


def judge(raw: str, funnel: Funnel) -> Accepted | Check:
    """The first of `checks` that fails, or what is kept.

    Tested to agree with `checks`; building a `Check` only for what fails saves a third of the time.
    """
    if len(raw) > funnel.max_raw_chars:
        return next(checks(raw, funnel))
    caption = Caption.read(raw)
    for rule, limit in funnel.steps:
        if not rule.passes(rule.measure(caption), limit):
            return rule.check(caption, limit)
    return Accepted(caption.text, caption.spoken(funnel.speech).language)
