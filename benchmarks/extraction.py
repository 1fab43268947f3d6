"""Pictures and captions from HTML: the crawl's parser against BeautifulSoup on lxml."""

from benchmarks.material import pages
from benchmarks.measure import Row, race, speed
from benchmarks.soup import extract_with_soup
from pipelines.crawl.candidates import Found
from pipelines.crawl.hazards import hazards
from pipelines.crawl.html import extract
from pipelines.crawl.pages import Page
from pipelines.rejection import first_failure

PASSES = 5  # over all pages, so that a turn is long enough for the clock


def measure() -> list[Row]:
    """Pages per CPU-second, with the pages on which both find the same pairs."""
    readable = [page for page in pages() if first_failure(hazards(page.html)) is None]
    times = race(
        lambda: [_ours(page) for _ in range(PASSES) for page in readable],
        lambda: [list(extract_with_soup(page)) for _ in range(PASSES) for page in readable],
    )
    note = agreement(readable)
    count = PASSES * len(readable)
    return [speed("HTML to pairs", "pages", "peer: BeautifulSoup on lxml", count, times, note)]


def agreement(readable: list[Page]) -> str:
    """On how many pages, and for how many pictures, both find the same URL and text."""
    both = [(_pairs(_ours(page)), _pairs(list(extract_with_soup(page)))) for page in readable]
    same_pages = sum(ours == theirs for ours, theirs in both)
    same, ours = sum(len(a & b) for a, b in both), sum(len(a) for a, _ in both)
    theirs = sum(len(b) for _, b in both)
    return (
        f"same set of (URL, text) on {same_pages} of {len(both)} pages; "
        f"{same} pairs of {ours} here and {theirs} there"
    )


def _ours(page: Page) -> list[Found]:
    return list(extract(page.html, page.url, page.charset, header_opt_out=page.opt_out))


def _pairs(found: list[Found]) -> set[tuple[str, str, str]]:
    return {(f.base_url, f.raw_url, f.caption) for f in found}
