"""The consequences of an answer: an archive to read, links to further pages, or a rejection."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin

from pipelines.crawl.candidates import rejection
from pipelines.crawl.site.archive import Outcome
from pipelines.crawl.site.config import Site
from pipelines.crawl.site.frontier import Fetched, Link, Skipped, is_on_site
from pipelines.crawl.site.links import (
    MAX_PAGE_LINKS,
    MAX_SITEMAP_LINKS,
    Links,
    page_links,
    read_sitemap,
)
from pipelines.crawl.sources import InputFile, Source
from pipelines.rejection import Rejection
from pipelines.web.answers import Response
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.identity import product_token
from pipelines.web.media_types import charset
from pipelines.web.urls import canonical_url

MAX_ONWARD = 100_000  # links of a visit; chosen: some 200 MB on their way to other workers


@dataclass
class Visited:
    """The results of a visit to a host.

    Args:
        files: archives of the pages, each with its source.
        links: links of the pages, by site and URL: each once, by the shortest path.
        fetched: what need not be fetched again.
        skipped: what this round left out.
        rejections: what was fetched but is not a page to read.
    """

    files: list[tuple[InputFile, Source]] = field(default_factory=list)
    links: dict[tuple[int, str], Link] = field(default_factory=dict)
    fetched: list[Fetched] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def note(self, link: Link) -> None:
        """Add a link to follow."""
        key = (link.site, link.url)
        self.links[key] = min(link, self.links.get(key, link))

    def has_room_for(self, link: Link) -> bool:
        """Whether a link is known, or may still be added."""
        return len(self.links) < MAX_ONWARD or (link.site, link.url) in self.links


def record_outcome(
    visited: Visited, site: Site, link: Link, outcome: Outcome, location: str
) -> None:
    """Enter the outcome of a link into the books of a visit, in exactly one way.

    Args:
        visited: is added to.
        site: of the link.
        link: that was fetched.
        outcome: of the request.
        location: of its archive.
    """
    if isinstance(outcome, FetchFailure):
        visited.rejections.append(_failed(link, outcome))
    elif outcome.redirects_to is not None:
        _redirect(visited, site, link, outcome.redirects_to)
    elif link.is_sitemap:
        sitemap = read_sitemap(outcome.body)
        add_links(visited, site, link, sitemap.links.urls, are_sitemaps=sitemap.is_index)
        _note_unread(visited, link, sitemap.links.num_unread, MAX_SITEMAP_LINKS)
    else:
        source = Source(path=location, kind="warc", name=site.name)
        visited.files.append((InputFile(location, "warc", config_key="crawl.sites"), source))
        links = _links(site, link, outcome)
        add_links(visited, site, link, links.urls, depth=link.depth + 1)
        _note_unread(visited, link, links.num_unread, MAX_PAGE_LINKS)


def add_links(
    visited: Visited,
    site: Site,
    link: Link,
    urls: Iterable[str],
    *,
    depth: int = 0,
    are_sitemaps: bool = False,
) -> None:
    """Add the links of a page or sitemap that are on the site, while there is room for them.

    Link farms have no end; that some were left out is a rejection of its own, under the URL of the
    page that has them.

    Args:
        visited: is added to.
        site: of the link.
        link: of the page or sitemap.
        urls: canonical.
        depth: of the URLs.
        are_sitemaps: whether the URLs are of sitemaps rather than pages.
    """
    num_left_out = 0
    for url in urls:
        if is_on_site(site, url):
            onward = Link(link.site, depth, url, is_sitemap=are_sitemaps)
            if visited.has_room_for(onward):
                visited.note(onward)
            else:
                num_left_out += 1
    if num_left_out:
        detail = f"{num_left_out} of its links are left out"
        left = rejection(link.url, "", "over_link_budget", detail, threshold=MAX_ONWARD)
        visited.rejections.append(left)


def _note_unread(visited: Visited, link: Link, num_unread: int, limit: int) -> None:
    if num_unread:
        detail = f"{num_unread} references behind its first {limit:,} links are not read"
        left = rejection(link.url, "", "over_link_budget", detail, threshold=limit)
        visited.rejections.append(left)


def _links(site: Site, link: Link, page: Response) -> Links:
    token = product_token(site.user_agent)
    return page_links(page.body, link.url, charset(page.content_type), page.headers, token)


def _redirect(visited: Visited, site: Site, link: Link, location: str) -> None:
    """The target is a link of its own: scope, robots.txt and address are checked anew."""
    try:
        target = canonical_url(urljoin(link.url, location))
    except ValueError as error:
        detail = f"{location[:200]!r}: {error}"
        visited.rejections.append(_failed(link, FetchFailure(Reason.BROKEN_REDIRECT, detail)))
        return
    is_inside = is_on_site(site, target)
    reason = "redirected" if is_inside else "redirected_off_site"
    visited.rejections.append(rejection(link.url, "", reason, f"to {target}"))
    if is_inside:
        visited.note(Link(link.site, link.depth, target, link.hops + 1, link.is_sitemap))


def _failed(link: Link, failure: FetchFailure) -> Rejection:
    return rejection(
        link.url,
        "",
        failure.reason,
        failure.detail,
        measured=failure.measured,
        threshold=failure.threshold,
    )
