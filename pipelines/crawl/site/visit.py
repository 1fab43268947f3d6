"""One round at one host: fetch its pages in turn, storing each answer before the next request."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from dalle_model import files
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.site.archive import Archive, Outcome
from pipelines.crawl.site.config import Site, policy_digest
from pipelines.crawl.site.frontier import Entry, Fetched, Link, Plan, over_budget, plan
from pipelines.crawl.site.links import MAX_SITEMAP_BYTES, distinct
from pipelines.crawl.site.outcomes import Visited, add_links, record_outcome
from pipelines.io import wanted
from pipelines.io.refusals import Refusals, own_refusals
from pipelines.io.task import StageTask
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.answers import Response
from pipelines.web.client import shared_client
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.media_types import HTML_TYPES, is_html
from pipelines.web.optout import OPT_OUT_WORDS, directives
from pipelines.web.pace import PaceSettings
from pipelines.web.settings import HttpSettings
from pipelines.web.urls import origin

MAX_FAILURES_IN_A_ROW = 5  # chosen; Nutch has `fetcher.max.exceptions.per.queue` for it
CONNECTIONS = 64  # chosen: more than the hosts that one process visits at once
_GIVEN_UP = FetchFailure(Reason.HOST_GIVEN_UP, f"{MAX_FAILURES_IN_A_ROW} failures in a row")
# Failures that every other URL of the origin would share.
_CLOSING = frozenset(
    {
        Reason.ROBOTS_UNREACHABLE,
        Reason.RETRY_LATER,
        Reason.ADDRESS_REFUSED,
        Reason.HOST_UNKNOWN,
        Reason.CERTIFICATE_REFUSED,
    }
)
_ACCEPT = "text/html,application/xhtml+xml;q=0.9"


@dataclass(frozen=True)
class Visits:
    """What all visits of a crawl share.

    Args:
        config: with the sites.
        folder: where answers are stored.
        loopback: permission to reach a server on this machine in place of the web.
        task: the stage's work; where its job is ended, so are visits.
    """

    config: CrawlConfig
    folder: str
    loopback: LoopbackAllowance | None = None
    task: StageTask | None = None


class _StoppedError(Exception):
    """The visit to another host failed, and that failure is raised instead of this one."""


def visit_all(
    hosts: Sequence[tuple[str, Iterable[Entry]]], common: Visits, at_once: int
) -> Iterator[tuple[str, Visited]]:
    """Visit hosts in threads, yielding in their order; if one fails, the others stop early.

    Args:
        hosts: each with its links and what was fetched so far.
        common: to all visits.
        at_once: number of hosts.

    Raises:
        NotWantedError: the job that does this was ended.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(at_once, "visit") as threads:
        running = [(host, threads.submit(visit, host, of, common, stop)) for host, of in hosts]
        try:
            _wait([future for _, future in running], common.task)
            yield from ((host, future.result()) for host, future in running)
        finally:
            stop.set()


def _wait(visits: Sequence[Future[Visited]], task: StageTask | None) -> None:
    while (waited := wait(visits, wanted.CHECK_S, FIRST_EXCEPTION)).not_done:
        for future in waited.done:
            future.result()  # raises the first failure
        if task is not None:
            wanted.check_while_working(task)


def visit(
    host: str, entries: Iterable[Entry], common: Visits, stop: threading.Event | None = None
) -> Visited:
    """Fetch the pages of one round from a host, site by site.

    It returns once the host may be asked again, so that the next visit need not know of this one.

    Args:
        host: its name.
        entries: links to it, and what was fetched so far.
        common: to all visits.
        stop: ends the visit when set, with an exception; answers already stored are kept.
    """
    visited = Visited()
    for number, work in plan(entries, common.config.sites).items():
        visited.skipped.extend(work.skipped)
        if work.links:
            site_visit = _SiteVisit(common.config.sites[number], host, common, visited)
            site_visit.run(work, stop or threading.Event())
    return visited


def http_settings(site: Site, max_page_bytes: int) -> HttpSettings:
    """The settings of the client that visits a site."""
    return HttpSettings(
        user_agent=site.user_agent,
        timeout_s=site.timeout_s,
        max_bytes=max_page_bytes,
        max_redirects=0,
        retries=site.retries,
        backoff_s=site.backoff_s,
        connections=CONNECTIONS,
        pace=PaceSettings(concurrency=1, delay_s=site.delay_s),
        obeys_robots=site.obeys_robots,
        honours_opt_out=False,  # opt-outs are recorded with a page's images
        accept=_ACCEPT,
        follows_redirects=False,
        media_types=HTML_TYPES,
    )


class _SiteVisit:
    """The visit to one host for one site."""

    def __init__(self, site: Site, host: str, common: Visits, visited: Visited) -> None:
        self._site, self._visited = site, visited
        settings = http_settings(site, common.config.max_page_bytes)
        self._token = settings.token
        self._client = shared_client(settings, common.loopback)
        under = policy_digest(site, common.config.max_page_bytes, common.loopback)
        self._archive = Archive(files.join(common.folder, under, host.replace(":", "_")))
        self._closed: dict[str, FetchFailure] = {}
        self._refusals = own_refusals(common.task) if common.task else Refusals()

    def run(self, work: Plan, stop: threading.Event) -> None:
        """Fetch the links in order, while the budget lasts and the host answers."""
        left, failures = {False: work.budget, True: work.sitemap_budget}, 0
        for link in work.links:
            if stop.is_set():
                raise _StoppedError
            if left[link.is_sitemap] <= 0:
                self._visited.skipped.append(over_budget(link, self._site))
                continue
            outcome, location = self._outcome(link, failures)
            is_last = isinstance(outcome, FetchFailure) and outcome.reason is Reason.RETRY_LATER
            self._visited.fetched.append(
                Fetched(link.site, link.url, bool(location), is_last, link.is_sitemap)
            )
            left[link.is_sitemap] -= bool(location)
            failures = failures + 1 if _is_outage(outcome) else 0
            record_outcome(self._visited, self._site, link, outcome, location)
            if self._site.uses_sitemaps and link.url in self._site.start:
                listed = distinct("", self._client.robots(link.url).sitemaps)
                add_links(self._visited, self._site, link, listed.urls, are_sitemaps=True)
        if not any(fetched.is_last for fetched in self._visited.fetched):
            self._client.rest(work.links[0].url)

    def _outcome(self, link: Link, failures: int) -> tuple[Outcome, str]:
        """The outcome of a link, now or earlier, and its location; empty without a request."""
        if self._refusals and self._refusals.has_url(link.url):
            return FetchFailure(Reason.REMOVED, ""), ""
        kept = self._archive.find(link.url)
        if kept is None and origin(link.url) in self._closed:
            return self._closed[origin(link.url)], ""
        if kept is None and failures >= MAX_FAILURES_IN_A_ROW:
            return _GIVEN_UP, ""
        outcome, location = kept or self._kept(link, self._ask(link))
        if isinstance(outcome, FetchFailure) and outcome.reason in _CLOSING:
            self._closed[origin(link.url)] = outcome
        return outcome, location

    def _kept(self, link: Link, outcome: Outcome) -> tuple[Outcome, str]:
        if isinstance(outcome, FetchFailure):
            if outcome.reason is Reason.ROBOTS_DISALLOWED:
                return outcome, ""
            return outcome, self._archive.keep(link.url, outcome, "")
        opt_out = ""
        if not link.is_sitemap and outcome.redirects_to is None:
            reserved = self._client.reservations(link.url).opt_out(link.url, outcome.headers)
            opt_out = reserved or self._addressed(outcome)
        return outcome, self._archive.keep(link.url, outcome, opt_out)

    def _addressed(self, page: Response) -> str:
        """An opt-out word that X-Robots-Tag addresses to this crawler by name."""
        words = directives(page.headers, self._token)
        return next((word for word in words if word in OPT_OUT_WORDS), "")

    def _ask(self, link: Link) -> Outcome:
        if link.is_sitemap:
            return self._client.fetch_file(link.url, MAX_SITEMAP_BYTES)
        self._client.reservations(link.url)  # before a page. Source: TDMRep (2024), section 8
        found = self._client.fetch(link.url)
        if isinstance(found, FetchFailure) or found.redirects_to is not None:
            return found
        if found.status != 200:  # such as 203: not the page
            return FetchFailure(Reason.BROKEN_RESPONSE, f"HTTP {found.status} from {link.url}")
        if not is_html(found.content_type, found.body):
            return FetchFailure(Reason.UNWANTED_TYPE, f"no type from {link.url}")
        return found


def _is_outage(outcome: Outcome) -> bool:
    return isinstance(outcome, FetchFailure) and (outcome.is_transient or outcome == _GIVEN_UP)
