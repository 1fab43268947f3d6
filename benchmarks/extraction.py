"""Images and captions from HTML: the crawl's parser against BeautifulSoup and lxml."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from benchmarks.elements import extract_with_lxml
from benchmarks.material import pages
from benchmarks.measure import Row, race, speed
from benchmarks.soup import extract_with_soup
from pipelines.crawl.candidates import Found
from pipelines.crawl.pages.hazards import hazards
from pipelines.crawl.pages.html import extract
from pipelines.crawl.pages.page import Page
from pipelines.rejection import first_failure

PASSES = 5  # over all pages, so that a turn is long enough to time

OPEN_GRAPH = (
    b'<meta property="og:title" content="Pictures"><meta property="og:image" content="/og.jpg">'
    b'<meta property="og:image:alt" content="A picture of all pictures">'
)

Extractor = Callable[[Page], Iterator[Found]]
PEERS: dict[str, Extractor] = {
    "BeautifulSoup on lxml": extract_with_soup,
    "lxml.html": extract_with_lxml,
}


def measure() -> list[Row]:
    """Pages per CPU-second, with the pages on which a peer finds the same pairs."""
    readable = [_with_og(page) for page in pages() if first_failure(hazards(page.html)) is None]
    ours, *others = race(
        *(partial(_all, extractor, readable) for extractor in (_ours, *PEERS.values())),
    )
    count, name = PASSES * len(readable), "HTML to pairs"
    return [
        speed(name, "pages", f"peer: {title}", count, (ours, time), agreement(readable, peer))
        for time, (title, peer) in zip(others, PEERS.items(), strict=True)
    ]


def agreement(readable: list[Page], peer: Extractor) -> str:
    """On how many pages, and for how many images, both find the same URL and text."""
    both = [(_pairs(_ours(page)), _pairs(peer(page))) for page in readable]
    same_pages = sum(ours == theirs for ours, theirs in both)
    same, ours = sum(len(a & b) for a, b in both), sum(len(a) for a, _ in both)
    return f"same URLs and texts on {same_pages} of {len(both)} pages, for {same} of {ours} pairs"


def _with_og(page: Page) -> Page:
    """The page with an Open Graph image, which those of the demo lack."""
    return replace(page, html=page.html.replace(b"</head>", OPEN_GRAPH + b"</head>", 1))


def _all(extractor: Extractor, readable: list[Page]) -> None:
    for _ in range(PASSES):
        for page in readable:
            list(extractor(page))


def _ours(page: Page) -> Iterator[Found]:
    return extract(page.html, page.url, page.charset, http_terms=page.http_terms)


def _pairs(found: Iterator[Found]) -> set[tuple[str, str, str, str]]:
    return {(f.base_url, f.raw_url, f.text_source, f.caption) for f in found}
