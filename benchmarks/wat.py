"""Images and captions from WAT files: the crawl's reader against cc2dataset's."""

import io
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any
from urllib.parse import urljoin

from benchmarks.measure import Row, race, speed
from benchmarks.wat_archive import wat_bytes
from pipelines.crawl.archives.wat import read_wat
from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import Found, to_candidate
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.references import resolve
from pipelines.crawl.sources import Source
from pipelines.rejection import Rejection

NUM_PAGES = 6_700  # of three records each
CONFIG = CrawlConfig(sources=(Source(path="unused"),))
PEER = "peer: cc2dataset"
# What the module of cc2dataset imports for other functions than its parser.
SPARK = {"pyspark": "SparkContext", "pyspark.sql": "SparkSession", "pyspark.sql.functions": "rand"}


def measure() -> list[Row]:
    """Pages per CPU-second: to pairs, as cc2dataset has them, and to candidates with their keys.

    A pair is a text with the URL of its image, joined with the page's base, and that of its page.
    cc2dataset also computes an MD5 of each pair, as a candidate has its key. It omits an image
    without a text, which becomes a rejection with a key of its own here.
    """
    content = wat_bytes(NUM_PAGES)
    parse = _cc2dataset_parser()
    pairs, candidates, theirs = race(
        lambda: _count(_pairs(content)),
        lambda: _count(
            to_candidate(row, CONFIG) for row in _found(content) if isinstance(row, Found)
        ),
        lambda: _count(parse(io.BytesIO(content), "image")),
    )
    found = {
        (pair["url"], pair["alt"], pair["page_url"]) for pair in parse(io.BytesIO(content), "image")
    }
    return [
        speed(
            "WAT to pairs", "pages", PEER, NUM_PAGES, (pairs, theirs), _agreement(content, found)
        ),
        speed("WAT to candidates", "pages", f"{PEER}, to pairs", NUM_PAGES, (candidates, theirs)),
    ]


def _pairs(content: bytes) -> Iterator[tuple[str, str, str]]:
    for row in _found(content):
        if isinstance(row, Found) and row.caption:
            try:
                url = resolve(row.raw_url, row.base_url, row.page_url)
            except ValueError:  # not a URL of the web
                continue
            yield url, row.caption, row.page_url


def _found(content: bytes) -> Iterator[Found | Rejection | PassedOver]:
    return read_wat(io.BytesIO(content), CONFIG, "")


def _count(rows: Iterable[object]) -> int:
    return sum(1 for _ in rows)


def _cc2dataset_parser() -> Any:
    """The function by which cc2dataset reads a file; it uses no Spark, so a stub will do."""
    for module, name in SPARK.items():
        vars(sys.modules.setdefault(module, ModuleType(module))).setdefault(name, None)
    from cc2dataset.main import extract_documents_from_wat

    return extract_documents_from_wat


def _agreement(content: bytes, theirs: set[tuple[str, str, str]]) -> str:
    rows = [row for row in _found(content) if isinstance(row, Found)]
    ours = {(urljoin(r.base_url, r.raw_url), r.caption, r.page_url) for r in rows}
    return (
        f"{len(theirs & ours)} of the {len(theirs)} pairs of cc2dataset are found; the others have "
        f"a blank text or no host. Including images without a text, {len(rows)} are found here"
    )
