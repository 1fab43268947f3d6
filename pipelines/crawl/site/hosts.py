"""Which hosts a crawl visits beyond those of its start URLs.

A budget of pages a host bounds nothing where a name server knows every name below a domain and each
page links to new ones.
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

Place = tuple[int, str]
"""How near a host is, and its name: hosts are admitted in this order."""


def has_further_hosts(sites: Iterable[Site]) -> bool:
    """Whether a crawl may lead to hosts that no start URL names."""
    return any(site.scope == "same_site" for site in sites)


def most_hosts(sites: Iterable[Site]) -> int:
    """The largest number of further hosts of a site."""
    return max((site.max_hosts for site in sites), default=0)


def further_host(entry: Entry, sites: Sequence[Site]) -> Iterator[tuple[int, tuple[Place]]]:
    """The site and the place of a host that no start URL names, where it is to be visited."""
    site, host = sites[entry.site], host_of(entry.url)
    if host in start_hosts(site):
        return
    if not isinstance(entry, Link):
        yield entry.site, ((_VISITED, host),)
    elif failure(entry, site) is None:
        yield entry.site, ((entry.depth, host),)


def nearest_hosts(groups: Iterable[Iterable[Place]], limit: int) -> tuple[Place, ...]:
    """The nearest of several groups of hosts; in whatever order and groups they come.

    Args:
        groups: a host may stand in several, at different places.
        limit: hosts.
    """
    nearest: dict[str, int] = {}
    for rank, host in chain.from_iterable(groups):
        nearest[host] = min(rank, nearest.get(host, rank))
    return tuple(sorted((rank, host) for host, rank in nearest.items())[:limit])


def admit(
    link: Link, sites: Sequence[Site], nearest: Mapping[int, Sequence[Place]]
) -> Link | Skipped:
    """The link where its host is admitted; else why it is left.

    Args:
        link: to judge.
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
