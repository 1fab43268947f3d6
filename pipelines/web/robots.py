"""What a robots.txt, or the failure to get one, allows this crawler. After RFC 9309.

Protego matches paths and picks the longest rule. Before that the file is reduced to what the RFC
defines, where Protego is wider: it takes `foo` for a name of `foobar`, misses `foobar/1.0`, and
lets an unknown line between two names of a group cut the group in two.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from protego import Protego

from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.pace import MAX_DELAY_S

MAX_ROBOTS_BYTES = 500 * 1024  # Source: RFC 9309, section 2.5: the least that must be parsed
MAX_ROBOTS_REDIRECTS = 5  # Source: RFC 9309, section 2.3.1.2

_US, _OTHERS = "us", "others"  # what the names of crawlers are reduced to
_LINE = re.compile(
    r"\s*(?P<field>user[- ]?agent|allow|disallow|dissallow|dissalow|disalow|diasllow|disallaw"
    r"|crawl[- ]delay)"  # with the misspellings that Protego and Google forgive
    r"\s*[:\s]\s*(?P<value>[^#]*)",
    re.IGNORECASE,
)
_PRODUCT = re.compile(r"[a-zA-Z_-]+")  # Source: RFC 9309, section 2.2.1

# "Unavailable": everything may be fetched. All else means "unreachable": nothing may.
# Source: RFC 9309, sections 2.3.1.2 to 2.3.1.4.
_UNAVAILABLE = frozenset(
    {
        Reason.NOT_FOUND,
        Reason.CLIENT_ERROR,
        Reason.RATE_LIMITED,
        Reason.TOO_MANY_REDIRECTS,
        Reason.EMPTY_BODY,
    }
)


# Failures that would meet every other URL of the origin too: they keep their own name.
_OF_THE_ORIGIN = frozenset(
    {Reason.ADDRESS_REFUSED, Reason.HOST_UNKNOWN, Reason.CERTIFICATE_REFUSED}
)


@dataclass(frozen=True)
class Robots:
    """What an origin allows this crawler.

    Args:
        rules: of the file, with this crawler's groups under one name; None without a file.
        delay_s: the Crawl-delay in seconds, at most `MAX_DELAY_S`; not in the RFC, but asked for.
        closed_by: the failure to get the file that closes the whole origin.
    """

    rules: Protego | None = None
    delay_s: float = 0.0
    closed_by: FetchFailure | None = None

    def refusal(self, url: str) -> FetchFailure | None:
        """Why a URL may not be fetched; None where it may."""
        if self.closed_by is not None:
            return self.closed_by
        if self.rules is not None and not self.rules.can_fetch(url, _US):
            return FetchFailure(Reason.ROBOTS_DISALLOWED, url)
        return None


def robots_of(found: bytes | FetchFailure, token: str) -> Robots:
    """What follows from a body, or from the failure to get one.

    Args:
        found: at most `MAX_ROBOTS_BYTES` of a body are read.
        token: the product token of this crawler.
    """
    if not isinstance(found, FetchFailure):
        return parse_robots(found, token)
    if found.reason in _UNAVAILABLE:
        return Robots()
    if found.reason in _OF_THE_ORIGIN:
        return Robots(closed_by=found)
    detail = f"{found.reason} {found.detail}"
    return Robots(
        closed_by=FetchFailure(Reason.ROBOTS_UNREACHABLE, detail, found.measured, found.threshold)
    )


def parse_robots(body: bytes, token: str) -> Robots:
    """Rules of a robots.txt; a byte-order mark and bytes that are no UTF-8 are survived.

    Args:
        body: at most `MAX_ROBOTS_BYTES` are read, and no line that they cut in two.
        token: the product token of this crawler.
    """
    if len(body) > MAX_ROBOTS_BYTES:
        body = body[:MAX_ROBOTS_BYTES].rpartition(b"\n")[0]
    text = body.decode("utf-8-sig", errors="replace").replace("\x00", "")
    lines = list(reduced_lines(text, token.lower()))
    rules = [line for line in lines if not line.startswith("crawl-delay")]
    delay = Protego.parse("\n".join(lines)).crawl_delay(_US) if len(rules) < len(lines) else None
    return Robots(
        rules=Protego.parse("\n".join(rules)),
        delay_s=min(max(delay or 0.0, 0.0), MAX_DELAY_S),
    )


def reduced_lines(text: str, token: str) -> Iterator[str]:
    """The lines that the RFC defines, and Crawl-delay, each crawler's name as `_US` or `_OTHERS`.

    Args:
        text: of the file.
        token: the product token of this crawler, in lower case.
    """
    for line in re.split(r"\r\n|\r|\n", text):
        if not (found := _LINE.match(line)):
            continue
        field, value = found["field"].lower(), found["value"].strip()
        if field.startswith("user"):
            yield f"user-agent: {_name(value, token)}"
        elif field.startswith("crawl"):
            yield f"crawl-delay: {value}"
        else:
            yield f"{'allow' if field == 'allow' else 'disallow'}: {value}"


def _name(value: str, token: str) -> str:
    if value == "*" or value.startswith("* "):
        return "*"
    product = _PRODUCT.match(value)
    own = _PRODUCT.match(token)
    return _US if product and own and product[0].lower() == own[0] else _OTHERS
