"""Wiring of the live crawl; the logic is in `frontier.py` and `visit.py`.

A round is keyed by host, so that one worker visits a host, one request at a time; different hosts
are visited concurrently. Only URLs are shuffled: answers stay in their archives.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PBegin, TaggedOutput
from apache_beam.transforms.window import GlobalWindows

from pipelines.crawl.candidates import rejection
from pipelines.crawl.site.config import Site
from pipelines.crawl.site.frontier import (
    Entry,
    Link,
    Skipped,
    first_links,
    host_of,
    never_fetched,
    num_rounds,
)
from pipelines.crawl.site.hosts import (
    admit,
    further_host,
    has_further_hosts,
    most_hosts,
    nearest_hosts,
)
from pipelines.crawl.site.visit import Visits, visit_all
from pipelines.rejection import Rejection

FILES, LINKS, FETCHED, SKIPPED, REJECTED = "files", "links", "fetched", "skipped", "rejected"
HOSTS_AT_ONCE = 32  # by one worker; chosen: most of the time they wait for their delays


@dataclass(eq=False)
class CrawlSites(beam.PTransform[PBegin, Any]):
    """The sites of a config in; archives of their pages out, and a rejection for every other URL.

    Args:
        common: config, folder and permissions.
    """

    common: Visits

    def expand(self, root: PBegin) -> Any:  # a dict of collections, for which Beam has no type hint
        sites = self.common.config.sites
        frontier = root | "Start" >> beam.Create(first_links(sites), reshuffle=False)
        fetched = root | "NothingFetched" >> beam.Create([], reshuffle=False)
        rounds: list[Any] = []
        left: list[Any] = []
        for number in range(num_rounds(sites)):
            done = (frontier, fetched) | f"Round{number}" >> _Round(self.common)
            fetched = (fetched, done[FETCHED]) | f"FetchedBy{number}" >> beam.Flatten()
            frontier = done[LINKS]
            rounds.append(done)
            left.append(done[SKIPPED])
            if has_further_hosts(sites):
                admitted = (frontier, fetched) | f"Hosts{number}" >> _AdmitHosts(sites)
                frontier = admitted[LINKS]
                left.append(admitted[SKIPPED])
        never = (
            (fetched, *left)
            | "AllUrls" >> beam.Flatten()
            | "UrlsByHost" >> beam.GroupByKey()
            | "NeverFetched" >> beam.FlatMapTuple(_never_fetched)
        )
        return {
            FILES: [done[FILES] for done in rounds] | "Files" >> beam.Flatten(),
            REJECTED: [never, *(done[REJECTED] for done in rounds)] | "Rejected" >> beam.Flatten(),
        }


@dataclass(eq=False)
class _Round(beam.PTransform[Any, Any]):  # a tuple of collections in, several out
    """Links and earlier requests in, by host; the results of the visits out, by tag."""

    common: Visits

    def expand(self, entries: Any) -> Any:
        return (
            entries
            | "Entries" >> beam.Flatten()
            | "ByHost" >> beam.GroupByKey()
            | "Visit"
            >> beam.ParDo(_VisitFn(self.common)).with_outputs(
                LINKS, FETCHED, SKIPPED, REJECTED, main=FILES
            )
        )


@dataclass(eq=False)
class _AdmitHosts(beam.PTransform[Any, Any]):  # a tuple of collections in, several out
    """Links and earlier requests in, by host; the links to admitted hosts out."""

    sites: Sequence[Site]

    def expand(self, entries: Any) -> Any:
        links, _ = entries
        nearest = (
            entries
            | "Entries" >> beam.Flatten()
            | "AllUrls" >> beam.Values()
            | "FurtherHosts" >> beam.FlatMap(further_host, self.sites)
            | "Nearest" >> beam.CombinePerKey(nearest_hosts, most_hosts(self.sites))
        )
        admitted = beam.FlatMap(_admit, self.sites, beam.pvalue.AsDict(nearest))
        return links | "Admit" >> admitted.with_outputs(SKIPPED, main=LINKS)


class _VisitFn(beam.DoFn):
    """Visits all hosts of a bundle concurrently, as otherwise their delays would add up."""

    def __init__(self, common: Visits) -> None:
        self.common = common

    def start_bundle(self) -> None:
        self.hosts: list[tuple[str, set[Entry]]] = []

    def process(self, element: tuple[str, Iterable[Entry]]) -> None:
        host, entries = element
        self.hosts.append((host, set(entries)))  # of a link that many pages have, one

    def finish_bundle(self) -> Iterator[Any]:
        for host, visited in visit_all(self.hosts, self.common, HOSTS_AT_ONCE):
            yield from map(_out, visited.files)
            yield from (
                _out((host_of(url), link), LINKS) for (_, url), link in visited.links.items()
            )
            yield from (_out((host, url), FETCHED) for url in visited.fetched)
            yield from (_out((host, url), SKIPPED) for url in visited.skipped)
            yield from (_out(row, REJECTED) for row in visited.rejections)


def _out(value: Any, tag: str = "") -> Any:
    windowed = GlobalWindows.windowed_value(value)
    return TaggedOutput(tag, windowed) if tag else windowed


def _admit(element: tuple[str, Link], sites: Sequence[Site], nearest: Any) -> Iterator[Any]:
    host, link = element
    admitted = admit(link, sites, nearest)
    is_skipped = isinstance(admitted, Skipped)
    yield TaggedOutput(SKIPPED, (host, admitted)) if is_skipped else (host, admitted)


def _never_fetched(host: str, entries: Iterable[Entry]) -> Iterator[Rejection]:
    for url in never_fetched(entries):
        yield rejection(url.url, "", url.reason, measured=url.measured, threshold=url.threshold)
