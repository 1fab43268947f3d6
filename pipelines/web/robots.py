"""What a robots.txt, or the failure to get one, allows this crawler. After RFC 9309.

The longest rule that matches decides, and of two equally long ones the one that allows. Where the
RFC and the public conformance table of Google differ (escapes of letters that need none), the
stricter reading applies: a rule that disallows is also compared in normal form, one that allows
only as written.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.pace import MAX_DELAY_S
from pipelines.web.robots_file import group_for, read_lines
from pipelines.web.url_patterns import matches, normal_form, path_of

MAX_ROBOTS_BYTES = 500 * 1024  # Source: RFC 9309, section 2.5: the least that must be parsed
MAX_ROBOTS_REDIRECTS = 5  # Source: RFC 9309, section 2.3.1.2
LIFETIME_S = 24 * 3600.0  # Source: RFC 9309, section 2.4
UNREACHABLE_LIFETIME_S = 3600.0  # chosen: an outage should not close a host for a day

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


# Failures that every other URL of the origin would share: they keep their own class.
_OF_THE_ORIGIN = frozenset(
    {Reason.ADDRESS_REFUSED, Reason.HOST_UNKNOWN, Reason.CERTIFICATE_REFUSED}
)


@dataclass(frozen=True)
class Robots:
    """What an origin allows this crawler.

    Args:
        allows: patterns as written.
        disallows: patterns as written, and in normal form where that differs.
        delay_s: the Crawl-delay in seconds, at most `MAX_DELAY_S`; not in the RFC, but in use.
        sitemaps: URLs as written.
        closed_by: the failure to get the file that closes the whole origin.
    """

    allows: tuple[str, ...] = ()
    disallows: tuple[str, ...] = ()
    delay_s: float = 0.0
    sitemaps: tuple[str, ...] = ()
    closed_by: FetchFailure | None = None

    def refusal(self, url: str) -> FetchFailure | None:
        """Why a URL may not be fetched; None where it may."""
        if self.closed_by is not None:
            return self.closed_by
        path = path_of(url)
        refused = max(_longest(self.disallows, form) for form in {path, normal_form(path)})
        if refused > _longest(self.allows, path):
            return FetchFailure(Reason.ROBOTS_DISALLOWED, url)
        return None


def robots_of(found: bytes | FetchFailure, token: str) -> Robots:
    """The rules that follow from a body, or from the failure to get one.

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


def lifetime_s(robots: Robots) -> float:
    """How long rules hold before the file is fetched again, in seconds."""
    return UNREACHABLE_LIFETIME_S if robots.closed_by else LIFETIME_S


def parse_robots(body: bytes, token: str) -> Robots:
    """Rules of a robots.txt.

    Args:
        body: at most `MAX_ROBOTS_BYTES` are read, without a line that this cuts in two.
        token: the product token of this crawler.
    """
    if len(body) > MAX_ROBOTS_BYTES:
        body = body[:MAX_ROBOTS_BYTES].rpartition(b"\n")[0]
    lines = list(read_lines(body))
    group = group_for(lines, token)
    sitemaps = dict.fromkeys(line.value for line in lines if line.kind == "sitemap" and line.value)
    return Robots(
        allows=group.allows,
        disallows=tuple(dict.fromkeys((*group.disallows, *map(normal_form, group.disallows)))),
        delay_s=min(max(group.delays_s, default=0.0), MAX_DELAY_S),
        sitemaps=tuple(sitemaps),
    )


def _longest(patterns: Iterable[str], path: str) -> int:
    """Octets of the longest pattern that matches; 0 where none does."""
    return max((len(pattern) for pattern in patterns if matches(pattern, path)), default=0)
