"""One round at one host: ask for its pages in turn, keep each answer, read its links."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin

from dalle_model import files
from pipelines.crawl.candidates import rejection
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.live.archive import Archive, Outcome
from pipelines.crawl.live.config import LiveRuntime, Site, manners
from pipelines.crawl.live.frontier import (
    Asked,
    Entry,
    Link,
    Plan,
    Unasked,
    host_of,
    is_on_site,
    over_budget,
    plan,
)
from pipelines.crawl.live.links import MAX_SITEMAP_BYTES, distinct, page_links, read_sitemap
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.terms import OPT_OUTS
from pipelines.crawl.warc import HTML_TYPES, LOOKS_LIKE_HTML
from pipelines.rejection import Rejection
from pipelines.web.client import Client, HttpSettings, Response, shared_client
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.optout import directives
from pipelines.web.pace import PaceSettings
from pipelines.web.reservations import (
    AI_TXT_PATH,
    MAX_FILE_BYTES,
    TDMREP_PATH,
    Reservations,
    read_tdmrep,
)
from pipelines.web.robots import parse_robots
from pipelines.web.urls import canonical_url, origin

MAX_FAILURES_IN_A_ROW = 5  # chosen; Nutch has `fetcher.max.exceptions.per.queue` for it
CONNECTIONS = 64  # chosen: above the hosts that one process visits at once
_GIVEN_UP = FetchFailure(Reason.HOST_GIVEN_UP, f"{MAX_FAILURES_IN_A_ROW} failures in a row")
# They would meet every other URL of the origin too.
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


@dataclass
class Visited:
    """What came of a visit.

    Args:
        files: archives of the pages, each with the source that it counts as.
        links: where the pages lead, by host.
        asked: what need not be asked for again.
        unasked: what stayed out in this round.
        rejections: what was asked for and is no page to read.
    """

    files: list[tuple[InputFile, Source]] = field(default_factory=list)
    links: list[tuple[str, Link]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    unasked: list[Unasked] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


@dataclass(frozen=True)
class Visits:
    """What all visits of a crawl have in common.

    Args:
        config: with the sites.
        folder: where answers are kept.
        runtime: permissions.
    """

    config: CrawlConfig
    folder: str
    runtime: LiveRuntime


def visit(host: str, entries: Iterable[Entry], common: Visits) -> Visited:
    """Ask a host for the pages of one round, site by site.

    It ends when the host may be asked again, so that whoever comes next need not know of it.

    Args:
        host: its name.
        entries: links to it, and what was asked so far.
        common: to all visits.
    """
    visited = Visited()
    for number, work in plan(entries, common.config.sites).items():
        visited.unasked.extend(work.unasked)
        if work.links:
            _SiteVisit(common.config.sites[number], host, common, visited).run(work)
    return visited


def http_settings(site: Site, max_page_bytes: int) -> HttpSettings:
    """What the client needs to know of a site's settings."""
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
        honours_opt_out=False,  # a page's words against use go along with its pictures
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
        self._client = shared_client(settings, common.runtime.grant)
        under = manners(site, common.config.max_page_bytes)
        self._archive = Archive(files.join(common.folder, under, host.replace(":", "_")))
        self._closed: dict[str, FetchFailure] = {}

    def run(self, work: Plan) -> None:
        """Ask for the links in order, while the budget lasts and the host answers."""
        budget, failures = work.budget, 0
        for link in work.links:
            if budget <= 0:
                self._visited.unasked.append(over_budget(link, self._site))
                continue
            outcome, location = self._outcome(link, failures)
            is_last = isinstance(outcome, FetchFailure) and outcome.reason is Reason.RETRY_LATER
            self._visited.asked.append(Asked(link.site, link.url, bool(location), is_last))
            budget -= bool(location)
            failures = failures + 1 if _is_outage(outcome) else 0
            self._settle(link, outcome, location)
        if not any(asked.is_last for asked in self._visited.asked):
            self._client.rest(work.links[0].url)

    def _outcome(self, link: Link, failures: int) -> tuple[Outcome, str]:
        """What came of a link now or before, and where it is kept; nowhere without a request."""
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
            told = reservations(self._client, origin(link.url), self._token)
            opt_out = told.opt_out(link.url, outcome.headers) or self._addressed(outcome)
        return outcome, self._archive.keep(link.url, outcome, opt_out)

    def _addressed(self, page: Response) -> str:
        """A word against use that X-Robots-Tag has for this crawler by its name."""
        words = directives(page.headers, self._token)
        return next((word for word in words if word in OPT_OUTS), "")

    def _ask(self, link: Link) -> Outcome:
        if link.is_sitemap:
            return self._client.fetch_file(link.url, MAX_SITEMAP_BYTES)
        found = self._client.fetch(link.url)
        if isinstance(found, FetchFailure) or found.redirects_to is not None:
            return found
        if found.status != 200:  # such as 206: not the page
            return FetchFailure(Reason.BROKEN_RESPONSE, f"HTTP {found.status} from {link.url}")
        if not found.content_type and not LOOKS_LIKE_HTML.match(found.body):
            return FetchFailure(Reason.UNWANTED_TYPE, f"no type from {link.url}")
        return found

    def _settle(self, link: Link, outcome: Outcome, location: str) -> None:
        """Enter a page, a sitemap, a redirect or a failure into the books."""
        if self._site.uses_sitemaps and link.url in self._site.start:
            listed = distinct("", self._client.robots(link.url).sitemaps)
            self._add_links(listed, link, 0, is_sitemap=True)
        if isinstance(outcome, FetchFailure):
            self._reject(link, outcome.reason, outcome.detail, outcome)
        elif outcome.redirects_to is not None:
            self._redirect(link, outcome.redirects_to)
        elif link.is_sitemap:
            sitemap = read_sitemap(outcome.body)
            self._add_links(sitemap.urls, link, 0, is_sitemap=sitemap.is_index)
        else:
            source = Source(path=location, kind="warc", name=self._site.name)
            self._visited.files.append((InputFile(location, "warc"), source))
            self._add_links(self._links(link, outcome), link, link.depth + 1)

    def _links(self, link: Link, page: Response) -> list[str]:
        charset = page.content_type.lower().partition("charset=")[2].partition(";")[0].strip("\"' ")
        return page_links(page.body, link.url, charset or None, page.headers, self._token)

    def _redirect(self, link: Link, location: str) -> None:
        """The target is a link of its own: scope, robots.txt and address are checked anew."""
        try:
            target = canonical_url(urljoin(link.url, location))
        except ValueError as error:
            self._reject(link, Reason.BROKEN_REDIRECT, f"{location[:200]!r}: {error}")
            return
        if not is_on_site(self._site, target):
            self._reject(link, "redirected_off_site", f"to {target}")
        else:
            self._reject(link, "redirected", f"to {target}")
            onward = Link(link.site, link.depth, target, link.hops + 1, link.is_sitemap)
            self._visited.links.append((host_of(target), onward))

    def _add_links(
        self, urls: Iterable[str], link: Link, depth: int, *, is_sitemap: bool = False
    ) -> None:
        for url in urls:
            if is_on_site(self._site, url):
                onward = Link(link.site, depth, url, is_sitemap=is_sitemap)
                self._visited.links.append((host_of(url), onward))

    def _reject(
        self, link: Link, reason: str, detail: str, failure: FetchFailure | None = None
    ) -> None:
        measured, threshold = (failure.measured, failure.threshold) if failure else (None, None)
        self._visited.rejections.append(
            rejection(link.url, "", reason, detail, measured=measured, threshold=threshold)
        )


def _is_outage(outcome: Outcome) -> bool:
    return isinstance(outcome, FetchFailure) and (outcome.is_transient or outcome == _GIVEN_UP)


@functools.lru_cache(maxsize=4096)
def reservations(client: Client, site_origin: str, token: str) -> Reservations:
    """What the files of an origin reserve, each asked for once in a process."""
    tdm = client.fetch_file(site_origin + TDMREP_PATH, MAX_FILE_BYTES)
    ai = client.fetch_file(site_origin + AI_TXT_PATH, MAX_FILE_BYTES)
    return Reservations(
        tdm=read_tdmrep(tdm.body) if isinstance(tdm, Response) else (),
        ai=parse_robots(ai.body, token) if isinstance(ai, Response) else None,
    )
