"""The links of a page and of a sitemap: canonical URLs, in order, each once."""

import html
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode, SelectolaxError

from pipelines.crawl.pages.charset import decode
from pipelines.crawl.pages.hazards import hazards
from pipelines.crawl.streams import GZIP_MAGIC
from pipelines.rejection import first_failure
from pipelines.web.optout import directives
from pipelines.web.urls import canonical_url

MAX_PAGE_LINKS = 5000  # chosen: more than any page made for people has
MAX_SITEMAP_LINKS = 50_000  # Source: sitemaps.org, protocol: URLs in one file
MAX_SITEMAP_BYTES = 50 << 20  # Source: sitemaps.org, protocol: one file, uncompressed

_LOCATION = re.compile(rb"<(?:[a-z]+:)?loc>\s*(?:<!\[CDATA\[)?\s*([^<\s\]]+)", re.IGNORECASE)
_INDEX = re.compile(rb"<(?:[a-z]+:)?sitemapindex\b", re.IGNORECASE)
_NO_FOLLOW = frozenset({"nofollow", "none"})  # Source: Google, "Robots meta tag specifications"


@dataclass(frozen=True)
class Links:
    """The links of a page or of a sitemap.

    Args:
        urls: canonical, in order, each once.
        num_unread: references behind them, which are beyond the limit.
    """

    urls: tuple[str, ...] = ()
    num_unread: int = 0


@dataclass(frozen=True)
class Sitemap:
    """What a sitemap lists.

    Args:
        links: to pages, or to sitemaps.
        is_index: whether they are to sitemaps.
    """

    links: Links
    is_index: bool


def page_links(
    content: bytes,
    page_url: str,
    charset: str | None,
    headers: Iterable[tuple[str, str]],
    token: str,
) -> Links:
    """The links of a page that a crawler may follow, in the order of the page.

    A page that is rejected as too deep or too tangled has none.

    Args:
        content: the page.
        page_url: its address.
        charset: of the HTTP header.
        headers: of the answer, for X-Robots-Tag.
        token: this crawler's product token, in lower case.
    """
    if first_failure(hazards(content)) or _forbids(directives(headers, token)):
        return Links()
    try:
        parser = LexborHTMLParser(decode(content, charset), options=LexborDocumentOptions.WO_EVENTS)
        return _links(parser, page_url, token)
    except (SelectolaxError, ValueError, RuntimeError):  # rejected when its images are read
        return Links()


def read_sitemap(content: bytes) -> Sitemap:
    """The URLs of a sitemap, plain or gzipped; none where it is not one.

    Read without an XML parser: entities cannot expand, and a truncated file still yields URLs.

    Source: sitemaps.org, protocol.
    """
    text = _inflated(content) if content.startswith(GZIP_MAGIC) else content[:MAX_SITEMAP_BYTES]
    found = (html.unescape(m[1].decode("utf-8", "replace")) for m in _LOCATION.finditer(text))
    return Sitemap(distinct("", found, MAX_SITEMAP_LINKS), bool(_INDEX.search(text)))


def _links(parser: LexborHTMLParser, page_url: str, token: str) -> Links:
    if _forbids(_meta_directives(parser, token)):
        return Links()
    nodes = parser.css("a[href], area[href], link[href]")
    hrefs = (node.attributes.get("href") or "" for node in nodes if _leads_on(node))
    return distinct(_base_url(parser, page_url), hrefs)


def _base_url(parser: LexborHTMLParser, page_url: str) -> str:
    """What links are relative to; an invalid base is ignored, as in browsers."""
    base = parser.css_first("base[href]")
    href = (base.attributes.get("href") if base else "") or ""
    try:
        return canonical_url(urljoin(page_url, href.strip()))
    except ValueError:
        return page_url


def _leads_on(node: LexborNode) -> bool:
    relations = (node.attributes.get("rel") or "").lower().split()
    return "nofollow" not in relations and (node.tag != "link" or "next" in relations)


def _meta_directives(parser: LexborHTMLParser, token: str) -> Iterator[str]:
    for meta in parser.tags("meta"):
        if (meta.attributes.get("name") or "").strip().lower() in {"robots", token}:
            yield from re.split(r"[\s,;]+", (meta.attributes.get("content") or "").lower())


def _forbids(words: Iterable[str]) -> bool:
    return not _NO_FOLLOW.isdisjoint(words)


def distinct(base_url: str, references: Iterable[str], limit: int = MAX_PAGE_LINKS) -> Links:
    """References as canonical URLs, in order, each once; invalid ones are left out."""
    urls: dict[str, None] = {}
    num_unread = 0
    for reference in references:
        if len(urls) >= limit:
            num_unread += 1
            continue
        try:
            urls[canonical_url(urljoin(base_url, reference.strip()))] = None
        except ValueError:
            continue  # mailto:, javascript: and the like lead to no page
    return Links(tuple(urls), num_unread)


def _inflated(content: bytes) -> bytes:
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(content, MAX_SITEMAP_BYTES)
    except zlib.error:
        return b""
