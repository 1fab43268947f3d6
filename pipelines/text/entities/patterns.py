"""Finds dates, durations, measures and quoted titles in a caption."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.text.dates import DAY, LONG_MONTH, MONTH_OR_DOTTED, SHORT_WEEKDAY, WEEKDAY
from pipelines.text.entities.kinds import DATE, DURATION, MEASURE, TITLE


class Span(NamedTuple):
    """Characters `start:end` of a caption that are of one kind."""

    start: int
    end: int
    kind: str


NUMBER_WORDS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "fifteen", "twenty", "thirty", "forty", "fifty", "sixty", "hundred", "several",
    "few", "couple", "half",
)  # fmt: skip
TIME_UNITS = (
    "second", "minute", "hour", "day", "night", "week", "weekend", "month", "year", "decade",
    "min", "hr", "yr",
)  # fmt: skip
_NUMBER_WORD = rf"(?:{'|'.join(NUMBER_WORDS[:-2])}|couple\ of|half\ an?)"
_NUMBER = r"(?:\d+(?:[.,]\d+){0,4}(?:/\d+)?)"  # not without end: "1,1,1" begins at each comma
_MONTH = f"(?i:{MONTH_OR_DOTTED})"
_WEEKDAY_BEFORE = rf"(?:{WEEKDAY}|{SHORT_WEEKDAY}\.?)"
_TIME = r"(?:\d{1,2}:\d\d(?::\d\d)?(?:\s*[ap]\.?m\b\.?)?)"
_YEAR = r"(?:(?:1[5-9]|20)\d\d)"
_SEASON = r"(?:[Ss]pring|[Ss]ummer|[Aa]utumn|[Ff]all|[Ww]inter)"

_DATE = re.compile(
    rf"""(?<![\w$£€.-])(?:
        (?:{_WEEKDAY_BEFORE},?\s+)?(?:
            (?:the\s+)?{DAY}(?:\s*[-\u2013]\s*{DAY})?\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?
          | {_MONTH}\s+{DAY}(?:\s*[-\u2013]\s*{DAY})?(?:\s+{_TIME})?(?:,?\s+{_YEAR})?
        )
      | {_MONTH},?\s+(?:of\s+)?{_YEAR}
      | {_SEASON}(?:\s+of)?\s+{_YEAR}
      | (?:(?<=\b[io]n\ )|(?<=\bof\ )|(?<=\b(?:last|next|late)\ )|(?<=\bearly\ )){LONG_MONTH}
      | {_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}} | \d{{1,2}}[-/.]\d{{1,2}}[-/.](?:{_YEAR}|\d\d)
      | {WEEKDAY}(?:\s+(?:morning|afternoon|evening|night))?
      | (?:(?:circa|ca?\.)\s*)?{_YEAR}(?:\s*[-\u2013]\s*(?:{_YEAR}|\d\d))?
      | (?:early\s+|late\s+|mid-)?(?:(?:1[5-9]|20)\d0|'?\d0)s
      | (?:early\s+|late\s+|mid-)?\d\d?(?:st|nd|rd|th)[\s-][Cc]entur(?:y|ies)
      | {_TIME} | \d{{1,2}}\s*[ap]\.?m\b\.?
      | (?:last|next)\s+(?:year|month|week|{_SEASON}|{WEEKDAY}) | yesterday
    )(?![\w-])""",
    re.VERBOSE,
)
_DATE_HINT = re.compile(r"\d|[a-z]day|[MJAJSONDF][a-z]{2,8}|yester|last|next")

_TIME_UNIT = rf"(?:{'|'.join(TIME_UNITS)})"
_DURATION = re.compile(
    rf"""(?<![\w-])(?:
        (?:{_NUMBER}|{_NUMBER_WORD})-{_TIME_UNIT}(?:-old)?
      | (?:{_NUMBER}|{_NUMBER_WORD}|an)\s+{_TIME_UNIT}s?(?:\s+(?:old|long|ago|later|earlier))?
    )(?![\w-])""",
    re.VERBOSE | re.IGNORECASE,
)
_DURATION_HINT = re.compile(r"second|minute|hour|day|night|week|month|year|decade|\bmin|\bhr|\byr")

# Chosen: the units of lengths, weights, volumes, speeds, angles, money, data and lenses.
_UNIT = (
    r"(?:km/h|mm|cm|km|m|metres?|meters?|kilomet(?:re|er)s?|centimet(?:re|er)s?|ft|feet|foot|in(?=\W*$)"
    r"|inch(?:es)?|yards?|yd|miles?|mi|kg|g|grams?|kilos?|kilograms?|lbs?|pounds?|oz|ounces?|tons?"
    r"|tonnes?|ml|cl|l|lit(?:re|er)s?|gallons?|pints?|mph|kmh|kph|knots?|hp|cc|kW|W|watts?|V"
    r"|volts?|mAh|GB|MB|TB|MP|megapixels?|px|pixels?|dpi|degrees?|acres?|hectares?|percent|dollars?"
    r"|euros?|pounds?|sq\.?\s?ft|[\u00b0%\u2033\u2032\"]|\u00b0[CF])"
)
_MEASURE = re.compile(
    rf"""(?<![\w$£€.-])(?:
        [$£€]\s?{_NUMBER}(?:\s?(?:k|m|bn|million|billion)\b)?
      | {_NUMBER}(?:\s*[x\u00d7]\s*{_NUMBER})+(?:[\s-]?{_UNIT}(?![\w-]))?
      | (?:{_NUMBER}(?:\s*[-\u2013]\s*{_NUMBER})?[\s-]?|{_NUMBER_WORD}[\s-])
        {_UNIT}(?![/\w])
        (?:-(?:long|tall|high|wide|deep)|\s+(?:tall|high|long|wide|deep|thick)\b)?
      | f/\d+(?:\.\d+)? | ISO\s?\d+
    )(?![\w-])""",
    re.VERBOSE,
)
_QUOTED = re.compile(
    r"""(?<!\w)(?:
        '(?=[A-Z0-9])(?:[^'"]|'(?=\w)){1,60}'(?!\w)
      | "(?=[A-Z0-9])[^"]{1,60}"
      | \u2018(?=[A-Z0-9])(?:[^\u2018\u2019]|\u2019(?=\w)){1,60}\u2019(?!\w)
      | \u201c(?=[A-Z0-9])[^\u201c\u201d]{1,60}\u201d
    )""",
    re.VERBOSE,
)
_QUOTE_HINT = re.compile("['\"\u2018\u201c][A-Z0-9]")
_HAS_DIGIT_OR_NUMBER = re.compile(rf"\d|\b{_NUMBER_WORD}[\s-]")

_KINDS = (
    (_QUOTE_HINT, _QUOTED, TITLE),
    (_DURATION_HINT, _DURATION, DURATION),
    (_HAS_DIGIT_OR_NUMBER, _MEASURE, MEASURE),
    (_DATE_HINT, _DATE, DATE),
)


def spans(text: str) -> list[Span]:
    """What the patterns find, in order and without overlap.

    Where two overlap, a title goes before a duration before a measure before a date.
    """
    found: list[Span] = []
    for hint, pattern, kind in _KINDS:
        if hint.search(text):
            found += _apart(found, (Span(*match.span(), kind) for match in pattern.finditer(text)))
    return sorted(found)


def _apart(taken: list[Span], candidates: Iterator[Span]) -> list[Span]:
    return [
        new
        for new in candidates
        if all(new.end <= old.start or old.end <= new.start for old in taken)
    ]
