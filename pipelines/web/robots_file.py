"""The lines of a robots.txt, and the group of them that addresses this crawler.

Nothing in the file is an error: what the standard does not define is a line of kind `unknown`,
which neither ends a group nor changes one. Source: RFC 9309, section 2.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pipelines.web.identity import leading_product
from pipelines.web.url_patterns import ascii_form

Kind = Literal["user-agent", "allow", "disallow", "crawl-delay", "sitemap", "unknown"]

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"

# A name, then a colon; or, where that was forgotten, a space. The misspellings are those that
# Google accepts. Source: google/robotstxt, robots.cc, ParsedRobotsKey.
_FIELDS: tuple[tuple[Kind, bytes], ...] = (
    ("user-agent", rb"user[- ]?agent"),
    ("allow", rb"allow"),
    ("disallow", rb"disallow|dissallow|dissalow|disalow|diasllow|disallaw"),
    ("crawl-delay", rb"crawl[- ]delay"),
    ("sitemap", rb"site-?map"),
)
_FIELD = [
    (kind, re.compile(rb"(?:%b)\s*[:\s]\s*(.*)" % names, re.I | re.S)) for kind, names in _FIELDS
]


@dataclass(frozen=True)
class Line:
    """One line that is neither blank nor a comment.

    Args:
        number: from 1.
        kind: what it states.
        value: without surrounding whitespace; of a rule, in the ASCII form of URLs.
    """

    number: int
    kind: Kind
    value: str


@dataclass(frozen=True)
class Group:
    """The rules for one crawler.

    Args:
        allows: patterns of paths.
        disallows: patterns of paths.
        delays_s: the values of its Crawl-delay lines that are numbers, in seconds.
    """

    allows: tuple[str, ...] = ()
    disallows: tuple[str, ...] = ()
    delays_s: tuple[float, ...] = ()


def read_lines(body: bytes) -> Iterator[Line]:
    """The lines of a file; a byte order mark, even a part of one, and NULs are skipped."""
    for number, raw in enumerate(_LINE_END.split(_without_mark(body)), start=1):
        text = raw.replace(b"\x00", b"").partition(b"#")[0].strip()
        if text:
            yield _line(number, text)


def group_for(lines: Iterable[Line], token: str) -> Group:
    """All groups of a crawler, merged; those of `*` where it has none.

    Args:
        lines: of the file.
        token: the crawler's product token.
    """
    own, everyone = _Collector(), _Collector()
    is_naming = False  # whether the names before the next rule are still being read
    for line in lines:
        if line.kind == "user-agent":
            own.is_meant = _names(line.value, token) or (is_naming and own.is_meant)
            everyone.is_meant = _is_star(line.value) or (is_naming and everyone.is_meant)
            own.was_named |= own.is_meant
        elif line.kind in {"allow", "disallow", "crawl-delay"}:
            own.add(line)
            everyone.add(line)
        is_naming = line.kind == "user-agent" or (
            is_naming and line.kind not in {"allow", "disallow"}
        )
    return (own if own.was_named else everyone).group()


class _Collector:
    """Collects the rules for one name, line by line."""

    def __init__(self) -> None:
        self.is_meant = self.was_named = False
        self._lines: list[Line] = []

    def add(self, line: Line) -> None:
        if self.is_meant and line.value:  # an empty rule matches nothing
            self._lines.append(line)

    def group(self) -> Group:
        return Group(self._of("allow"), self._of("disallow"), tuple(self._delays()))

    def _of(self, kind: Kind) -> tuple[str, ...]:
        return tuple(dict.fromkeys(line.value for line in self._lines if line.kind == kind))

    def _delays(self) -> Iterator[float]:
        for line in self._lines:
            if line.kind == "crawl-delay" and re.fullmatch(
                r"[0-9]{1,9}(\.[0-9]{0,9})?", line.value
            ):
                yield float(line.value)


def _line(number: int, text: bytes) -> Line:
    for kind, pattern in _FIELD:
        if match := pattern.match(text):
            is_rule = kind in {"allow", "disallow"}
            value = ascii_form(match[1]) if is_rule else match[1].decode("utf-8", "replace")
            return Line(number, kind, value)
    return Line(number, "unknown", text.decode("utf-8", "replace"))


def _without_mark(body: bytes) -> bytes:
    size = next((n for n in (3, 2, 1) if body.startswith(_BOM[:n])), 0)
    return body[size:]


def _is_star(value: str) -> bool:
    return value == "*" or value.startswith("* ")


def _names(value: str, token: str) -> bool:
    """Whether a user-agent line names the crawler: up to a version or a space, ignoring case."""
    product = leading_product(value)
    return product != "" and product == leading_product(token)
