"""Which hosts a crawl visits beyond those of its start URLs.

A budget of pages a host bounds nothing where a name server resolves every name below a domain and
each page links to new ones.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from pipelines.crawl.site.config import Site
from pipelines.crawl.site.frontier import (
    Entry,
    Link,
    Skipped,
    failure,
    host_of,
    skipped,
    start_hosts,
)
from pipelines.rejection import Check

_VISITED = -1  # nearer than any link

Rank = tuple[int, str]
"""The distance of a host from the start, and its name; hosts are admitted in this order."""


def has_further_hosts(sites: Iterable[Site]) -> bool:
    """Whether a crawl may lead to hosts that no start URL names."""
    return any(site.scope == "same_site" for site in sites)


def most_hosts(sites: Iterable[Site]) -> int:
    """The largest number of further hosts of a site."""
    return max((site.max_hosts for site in sites), default=0)


def further_host(entry: Entry, sites: Sequence[Site]) -> Iterator[tuple[int, tuple[Rank]]]:
    """The site and the rank of a host that no start URL names, if it may be visited."""
    site, host = sites[entry.site], host_of(entry.url)
    if host in start_hosts(site):
        return
    if not isinstance(entry, Link):
        yield entry.site, ((_VISITED, host),)
    elif failure(entry, site) is None:
        yield entry.site, ((entry.depth, host),)


def nearest_hosts(groups: Iterable[Iterable[Rank]], limit: int) -> tuple[Rank, ...]:
    """The nearest hosts of several groups, whatever their order and grouping.

    Args:
        groups: a host may be in several, with different ranks.
        limit: hosts.
    """
    nearest: dict[str, int] = {}
    for distance, host in chain.from_iterable(groups):
        nearest[host] = min(distance, nearest.get(host, distance))
    return tuple(sorted((distance, host) for host, distance in nearest.items())[:limit])


def admit(
    link: Link, sites: Sequence[Site], nearest: Mapping[int, Sequence[Rank]]
) -> Link | Skipped:
    """The link if its host is admitted; else why it is left out.

    Args:
        link: to check.
        sites: of the config.
        nearest: further hosts by the number of their site, at least as many as it may have.
    """
    site, host = sites[link.site], host_of(link.url)
    if failure(link, site) or host in start_hosts(site):
        return link
    limit = site.max_hosts
    if host in {name for _, name in nearest.get(link.site, ())[:limit]}:
        return link
    return skipped(link, Check("over_host_budget", False, limit + 1, limit))
