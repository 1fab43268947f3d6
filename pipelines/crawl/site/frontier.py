"""Plans the requests of a round: scope, order and budgets, from links and earlier requests.

A crawl runs in rounds: fetch the pages of the frontier, read their links, and those not fetched yet
are the next frontier. Everything is decided within one host, from sets in a total order, so that
the pages of a crawl do not depend on the order in which links arrive.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipelines.crawl.site.config import Site
from pipelines.rejection import Check
from pipelines.web.url_patterns import matches, path_of

MAX_SITEMAPS = 100  # of a host; chosen: large sites list a few dozen
# After the rounds of pages: the robots.txt, an index of sitemaps, a sitemap.
_SITEMAP_ROUNDS = 3


@dataclass(frozen=True, order=True)
class Link:
    """A URL to request; a host receives its requests in this order.

    Args:
        site: its number in the config.
        depth: links from a start URL.
        url: canonical.
        hops: redirects that led to it.
        is_sitemap: contains links, not images.
    """

    site: int
    depth: int
    url: str
    hops: int = 0
    is_sitemap: bool = False


@dataclass(frozen=True, order=True)
class Fetched:
    """A URL with a known outcome.

    Args:
        site: as in `Link`.
        url: as in `Link`.
        is_request: whether a request was sent, which counts against the budget.
        is_last: the server asked for such a long pause that it gets no more requests.
        is_sitemap: as in `Link`.
    """

    site: int
    url: str
    is_request: bool = True
    is_last: bool = False
    is_sitemap: bool = False


@dataclass(frozen=True, order=True)
class Skipped:
    """A URL that a round left out; a later round may fetch it if a shorter path leads to it."""

    site: int
    url: str
    reason: str
    measured: int
    threshold: int


Entry = Link | Fetched | Skipped


@dataclass(frozen=True)
class Plan:
    """The work of one round at one host for one site.

    Args:
        links: in the order of the requests.
        budget: remaining requests for pages; there may be more links.
        sitemap_budget: remaining requests for sitemaps.
        skipped: links left out whatever the budget.
    """

    links: tuple[Link, ...]
    budget: int
    sitemap_budget: int
    skipped: tuple[Skipped, ...]


def host_of(url: str) -> str:
    """The host of a canonical URL."""
    return urlsplit(url).hostname or ""


def first_links(sites: Sequence[Site]) -> list[tuple[str, Link]]:
    """The frontier of the first round, by host."""
    return [
        (host_of(url), Link(number, 0, url))
        for number, site in enumerate(sites)
        for url in site.start
    ]


def num_rounds(sites: Iterable[Site]) -> int:
    """The number of rounds after which every frontier is empty."""
    return max(
        (
            1 + site.max_depth + site.max_redirects + site.uses_sitemaps * _SITEMAP_ROUNDS
            for site in sites
        ),
        default=0,
    )


def is_on_site(site: Site, url: str) -> bool:
    """Whether the host of a canonical URL belongs to the site."""
    host, starts = host_of(url), start_hosts(site)
    if site.scope == "same_host":
        return host in starts
    names = {start.removeprefix("www.") for start in starts}
    return any(host == name or host.endswith(f".{name}") for name in names)


def start_hosts(site: Site) -> frozenset[str]:
    """The hosts of a site's start URLs."""
    return _hosts(site.start)


@functools.lru_cache(maxsize=64)  # called for every link
def _hosts(urls: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(host_of, urls))


def plan(entries: Iterable[Entry], sites: Sequence[Site]) -> dict[int, Plan]:
    """The work of a round at one host, by the number of the site.

    Args:
        entries: links, in any order and any number of times, and what was fetched so far.
        sites: of the config.
    """
    by_site: dict[int, tuple[list[Link], set[Fetched]]] = {}
    for entry in entries:
        links, fetched = by_site.setdefault(entry.site, ([], set()))
        if isinstance(entry, Link):
            links.append(entry)
        elif isinstance(entry, Fetched):
            fetched.add(entry)
    return {
        number: _plan_site(links, fetched, sites[number])
        for number, (links, fetched) in sorted(by_site.items())
    }


def skipped(link: Link, check: Check) -> Skipped:
    """A link that is left out, and why."""
    return Skipped(
        link.site, link.url, check.reason, int(check.measured or 0), int(check.threshold or 0)
    )


def over_budget(link: Link, site: Site) -> Skipped:
    """A link for which no request remains."""
    if link.is_sitemap:
        return Skipped(link.site, link.url, "over_sitemap_budget", MAX_SITEMAPS + 1, MAX_SITEMAPS)
    return Skipped(link.site, link.url, "over_page_budget", site.max_pages + 1, site.max_pages)


def never_fetched(entries: Iterable[Entry]) -> Iterator[Skipped]:
    """The URLs that every round left out, once each; in order.

    Args:
        entries: all `Fetched` and `Skipped` of one host.
    """
    fetched: set[tuple[int, str]] = set()
    left: dict[tuple[int, str], Skipped] = {}
    for entry in entries:
        if isinstance(entry, Fetched):
            fetched.add((entry.site, entry.url))
        elif isinstance(entry, Skipped):
            key = (entry.site, entry.url)
            left[key] = min(entry, left.get(key, entry))
    yield from (left[key] for key in sorted(left.keys() - fetched))


def _plan_site(links: Iterable[Link], fetched: set[Fetched], site: Site) -> Plan:
    known = {entry.url for entry in fetched}
    nearest: dict[str, Link] = {}
    for link in sorted(links):
        if link.url not in known:
            nearest.setdefault(link.url, link)
    is_closed = any(entry.is_last for entry in fetched)
    closed = Check("retry_later", passed=False) if is_closed else None
    failures = {link: failure(link, site) or closed for link in nearest.values()}
    return Plan(
        links=tuple(link for link, failure in failures.items() if failure is None),
        budget=site.max_pages - sum(e.is_request for e in fetched if not e.is_sitemap),
        sitemap_budget=MAX_SITEMAPS - sum(e.is_request for e in fetched if e.is_sitemap),
        skipped=tuple(skipped(link, check) for link, check in failures.items() if check),
    )


def failure(link: Link, site: Site) -> Check | None:
    """Why a link is left out whatever else the crawl finds; None where it may be fetched."""
    if not link.is_sitemap and not _is_wanted(site, link.url):
        return Check("excluded", passed=False)
    if link.depth > site.max_depth:
        return Check("over_depth", False, link.depth, site.max_depth)
    if link.hops > site.max_redirects:
        return Check("too_many_redirects", False, link.hops, site.max_redirects)
    return None


def _is_wanted(site: Site, url: str) -> bool:
    path = path_of(url)

    def fits(pattern: str) -> bool:
        return matches(pattern, path if pattern.startswith("/") else url)

    is_included = not site.include or any(map(fits, site.include))
    return (is_included and not any(map(fits, site.exclude))) or url in site.start
