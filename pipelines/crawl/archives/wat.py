"""Images and their texts in WAT files: Common Crawl's metadata of each page, without the page.

An image has `src`, `alt` and `title`; there is no `srcset`, `data-src`, `<picture>` or
`<figcaption>`. Source: commoncrawl/ia-web-commons, `ExtractingParseObserver` and `HTMLMetaData`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO

from fastwarc.warc import WarcRecord, WarcRecordType

from pipelines.crawl.archives.kinds import Kind, kind_of_status, kind_of_type, type_of
from pipelines.crawl.archives.records import read_records, read_up_to
from pipelines.crawl.archives.warc import DAMAGE, LONG_URL, passed_over, target_of
from pipelines.crawl.archives.wat_json import BadMetadataError, ImageTag, Metadata, read_metadata
from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import Found, rejection
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.pages.terms import (
    HEADERS,
    NO_HTTP_TERMS,
    OG_IMAGE,
    HttpTerms,
    Meta,
    Terms,
    meta,
    open_graph_images,
    page_terms,
    read_headers,
)
from pipelines.crawl.splits import Claim, every
from pipelines.rejection import Rejection
from pipelines.web.urls import MAX_URL_CHARS

_OF_IMAGES = frozenset({"alt", "title"})


def read_wat(
    stream: BinaryIO, config: CrawlConfig, source: str, start: int = 0, claim: Claim = every
) -> Iterator[Found | Rejection | PassedOver]:
    """Every `<img>` of pages served as HTML with status 200, and each `og:image` with a text.

    A record that is damaged, too large or malformed gives one rejection. Records of anything else
    are counted by kind, at the end.

    Args:
        stream: plain or gzipped; seekable.
        config: of the crawl; its limit on pages applies to the metadata of one.
        source: name of the source.
        start: as in `read_records`.
        claim: as in `read_records`.
    """
    parse = partial(_rows, config=config, source=source)
    passed: Counter[str] = Counter()
    for row in read_records(stream, parse, start, claim):
        if isinstance(row, Kind):
            passed[row] += 1
        else:
            yield row or rejection("", "", "bad_record", DAMAGE)
    yield from passed_over(passed)


def images(
    metadata: Metadata, page_url: str, text_sources: Sequence[str], source: str = ""
) -> list[Found]:
    """The images of a page: every `<img>` in document order, then each `og:image` with a text."""
    metas = [meta(m.name, m.property, m.http_equiv, m.content) for m in metadata.metas]
    terms = _terms(metadata, metas, page_url, source)
    of_images = [name for name in text_sources if name in _OF_IMAGES]
    found = [
        terms.found(image.url.strip(), *_text(image, of_images)) for image in metadata.image_tags
    ]
    if OG_IMAGE in text_sources:
        found += [terms.found(*pair, OG_IMAGE) for pair in open_graph_images(metas)]
    return found


def _rows(
    record: WarcRecord, config: CrawlConfig, source: str
) -> Sequence[Found | Rejection | Kind]:
    if record.record_type != WarcRecordType.metadata and type_of(record) != "metadata":
        return [kind_of_type(type_of(record))]
    limit, size = config.max_page_bytes, record.content_length
    if size > limit:
        return [rejection(target_of(record), "", "page_too_large", measured=size, threshold=limit)]
    try:
        content = read_up_to(record, size)
    except OSError:
        return [_bad(record, "damaged compression")]
    if len(content) < size:
        return [_bad(record, "shorter than its header says")]
    try:
        metadata = read_metadata(content)
    except BadMetadataError as error:
        return [_bad(record, str(error))]
    if metadata is None:
        return [Kind.NOT_OF_A_PAGE]
    if metadata.status != "200":
        return [_kind_of_status(metadata.status)]
    url = target_of(record)
    if len(url) > MAX_URL_CHARS:
        return [_bad(record, LONG_URL)]
    return images(metadata, url, config.text_sources, source) or [Kind.NO_IMAGES]


def _kind_of_status(status: str) -> Kind:
    is_number = status.isascii() and status.isdigit()
    return kind_of_status(int(status[:9])) if is_number else Kind.OTHER_STATUS


def _bad(record: WarcRecord, detail: str) -> Rejection:
    return rejection(target_of(record), "", "bad_record", detail)


def _text(image: ImageTag, of_images: Sequence[str]) -> tuple[str, str]:
    if image.alt or image.title:
        for name in of_images:
            text = image.alt if name == "alt" else image.title
            if text and not text.isspace():
                return text, name
    return "", "alt"


def _terms(metadata: Metadata, metas: Sequence[Meta], page_url: str, source: str) -> Terms:
    return page_terms(
        page_url,
        source,
        base=metadata.base,
        license_link=metadata.license_link,
        root_language=_root_language(metas),
        metas=metas,
        http_terms=_http_terms(metadata),
    )


def _root_language(metas: Sequence[Meta]) -> str:
    """The attributes of `<html>`, which are among the metas since December 2024."""
    attributes = {key: content for keys, content in reversed(metas) for key in keys}
    return attributes.get("html@/lang") or attributes.get("html@/xml:lang") or ""


def _http_terms(metadata: Metadata) -> HttpTerms:
    headers = metadata.headers
    if headers.keys().isdisjoint(HEADERS):
        return NO_HTTP_TERMS
    tdm_reservation, robots, language = (headers.get(name, []) for name in HEADERS)
    return read_headers(",".join(tdm_reservation), robots, ",".join(language))
