"""Pictures and captions from WAT files: the crawl's reader against cc2dataset's."""

import io
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any
from urllib.parse import urljoin

from benchmarks.measure import Row, race, speed
from benchmarks.wat_archive import wat_bytes
from pipelines.crawl.archives.wat import read_wat
from pipelines.crawl.candidates import Found, judge
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.sources import Source
from pipelines.rejection import Rejection

NUM_PAGES = 6_700  # of three records each
CONFIG = CrawlConfig(sources=(Source(path="unused"),))
PEER = "peer: cc2dataset"
# What the module of cc2dataset imports for other functions than its parser.
SPARK = {"pyspark": "SparkContext", "pyspark.sql": "SparkSession", "pyspark.sql.functions": "rand"}


def measure() -> list[Row]:
    """Pages per CPU-second: to pairs, as cc2dataset has them, and to candidates with their keys."""
    content = wat_bytes(NUM_PAGES)
    parse = _cc2dataset_parser()
    ours, candidates, theirs = race(
        lambda: _count(_found(content)),
        lambda: _count(judge(row, CONFIG) for row in _found(content) if isinstance(row, Found)),
        lambda: _count(parse(io.BytesIO(content), "image")),
    )
    pairs = {
        (pair["url"], pair["alt"], pair["page_url"]) for pair in parse(io.BytesIO(content), "image")
    }
    return [
        speed("WAT to pairs", "pages", PEER, NUM_PAGES, (ours, theirs), _agreement(content, pairs)),
        speed("WAT to candidates", "pages", f"{PEER}, to pairs", NUM_PAGES, (candidates, theirs)),
    ]


def _found(content: bytes) -> Iterator[Found | Rejection]:
    return read_wat(io.BytesIO(content), CONFIG, "")


def _count(rows: Iterable[object]) -> int:
    return sum(1 for _ in rows)


def _cc2dataset_parser() -> Any:
    """What cc2dataset reads a file with; it needs no Spark, so an empty one will do."""
    for module, name in SPARK.items():
        vars(sys.modules.setdefault(module, ModuleType(module))).setdefault(name, None)
    from cc2dataset.main import extract_documents_from_wat

    return extract_documents_from_wat


def _agreement(content: bytes, theirs: set[tuple[str, str, str]]) -> str:
    rows = [row for row in _found(content) if isinstance(row, Found)]
    ours = {(urljoin(r.base_url, r.raw_url), r.caption, r.page_url) for r in rows}
    return (
        f"{len(theirs & ours)} of the {len(theirs)} pairs of cc2dataset are found; the others have "
        f"a blank text or no host. With the pictures without a text there are {len(rows)} here"
    )
