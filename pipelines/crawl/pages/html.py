"""What a page says about its images: the best URL of each, its text, and the page's terms."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from pipelines.crawl.candidates import Found
from pipelines.crawl.pages.charset import decode
from pipelines.crawl.pages.terms import (
    NO_HTTP_TERMS,
    OG_IMAGE,
    HttpTerms,
    Meta,
    Terms,
    meta,
    open_graph_images,
    page_terms,
)
from pipelines.crawl.references import is_inline
from pipelines.web.media_types import media_type
from pipelines.web.urls import MAX_URL_CHARS

Attributes = dict[str, str | None]

_SRCSETS = ("srcset", "data-srcset", "data-lazy-srcset")
_LAZY = ("data-src", "data-lazy-src", "data-original", "data-lazy")
_OFFERING = frozenset({*_SRCSETS, *_LAZY})
_READABLE = frozenset({"", "image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif"})
_MAX_CLIMB = 8  # chosen: levels between an image and its figure; a bound on hostile depth
# Text that the images of a page repeat is bounded, so that its cost is bounded by its size.
_MAX_FIGCAPTION_CHARS = 32_768  # chosen: three times what the crawl accepts as a caption
_MAX_TEXT_PER_BYTE = 4  # chosen: captions within captions repeat their text

_URL = re.compile(r"[\s,]*([^\s,]\S*)")
_DESCRIPTOR = re.compile(r"([^,]*),?")
_SIZE = re.compile(r"(?<![0-9])([0-9]++(?:\.[0-9]++)?)([wx])")  # linear in any number of digits


class _Around(NamedTuple):
    """Cached text of the elements around images, so that each is read once.

    Args:
        sources: URLs that a `<picture>` offers, by its id; filled on demand.
        figcaptions: text of a `<figure>`, by its id.
    """

    sources: dict[int, list[str]]
    figcaptions: dict[int, str]


def extract(
    html: bytes,
    page_url: str,
    charset: str | None = None,
    *,
    text_sources: Sequence[str] = ("alt", "figcaption", "title", OG_IMAGE),
    http_terms: HttpTerms = NO_HTTP_TERMS,
    source: str = "",
) -> Iterator[Found]:
    """The images of a page: every `<img>` in document order, then each `og:image` with a text.

    An `<img>` counts with or without a usable URL and text.

    Args:
        html: the page; anything at all.
        page_url: its address; empty where it is not known.
        charset: of the HTTP header.
        text_sources: where to look for the text; the first that is not blank is taken.
        http_terms: of the other HTTP headers.
        source: name of the source.

    Raises:
        SelectolaxError: the parser gives up.
        ValueError: captions are nested too deeply.
    """
    parser = LexborHTMLParser(decode(html, charset), options=LexborDocumentOptions.WO_EVENTS)
    metas = [_meta(node.attributes) for node in parser.tags("meta")]
    found = _terms(parser, page_url, source, metas, http_terms).found
    of_images = [name for name in text_sources if name != OG_IMAGE]
    around = _Around({}, _figcaptions(parser, len(html) * _MAX_TEXT_PER_BYTE))
    for image in parser.tags("img"):
        attributes = image.attributes
        text_source, caption = _text(image, attributes, of_images, around)
        yield found(_image_url(image, attributes, around), caption, text_source)
    if OG_IMAGE in text_sources:
        for url, caption in open_graph_images(metas):
            yield found(url, caption, OG_IMAGE)


def largest(srcset: str) -> str:
    """URL of the largest candidate of a `srcset` that is not inlined; empty where there is none.

    Source: WHATWG HTML, section 4.8.4.3.5, parsing a srcset attribute.
    """
    candidates = [c for c in _srcset(srcset) if not is_inline(c[1])]
    return max(candidates, key=lambda c: c[0])[1] if candidates else ""


def _srcset(value: str) -> Iterator[tuple[tuple[bool, float], str]]:
    """Sizes, widths before densities, with their URLs, which may contain commas."""
    position = 0
    while match := _URL.match(value, position):
        url, position = match[1], match.end()
        size = None
        if not url.endswith(",") and (descriptor := _DESCRIPTOR.match(value, position)):
            position = descriptor.end()
            size = _SIZE.search(descriptor[1])
        yield (size[2] == "w", float(size[1])) if size else (False, 1.0), url.rstrip(",")


def _image_url(image: LexborNode, attributes: Attributes, around: _Around) -> str:
    """The largest URL offered; one that a script would load is preferred to a placeholder."""
    for url in _offered(image, attributes, around):
        if url and not is_inline(url):
            return url
    return (attributes.get("src") or "").strip()


def _offered(image: LexborNode, attributes: Attributes, around: _Around) -> list[str]:
    of_picture = _picture_sources(image.parent, around.sources)
    if _OFFERING.isdisjoint(attributes):  # as for most images
        return of_picture
    sets = [largest(attributes.get(name) or "") for name in _SRCSETS]
    return [*sets, *of_picture, *((attributes.get(name) or "").strip() for name in _LAZY)]


def _picture_sources(picture: LexborNode | None, known: dict[int, list[str]]) -> list[str]:
    """The URLs of `<source>` elements of a `<picture>`, in formats that are decoded here."""
    if picture is None or picture.tag != "picture":
        return []
    if picture.mem_id not in known:
        sources = (node.attributes for node in picture.iter() if node.tag == "source")
        offered = (
            largest(source.get("srcset") or source.get("data-srcset") or "")
            for source in sources
            if media_type(source.get("type")) in _READABLE
        )
        known[picture.mem_id] = [url for url in offered if len(url) <= MAX_URL_CHARS]
    return known[picture.mem_id]


def _text(
    image: LexborNode,
    attributes: Attributes,
    text_sources: Sequence[str],
    around: _Around,
) -> tuple[str, str]:
    for name in text_sources:
        is_around = name == "figcaption"
        text = _figcaption(image, around) if is_around else attributes.get(name)
        if text and text.strip():
            return name, text
    return "alt", ""


def _figcaption(image: LexborNode, around: _Around) -> str:
    figure = _figure(image) if around.figcaptions else None
    return around.figcaptions.get(figure.mem_id, "") if figure else ""


def _figcaptions(parser: LexborHTMLParser, max_chars: int) -> dict[int, str]:
    """Text of the first caption of each figure."""
    texts: dict[int, str] = {}
    for caption in parser.tags("figcaption"):
        figure = _figure(caption)
        if figure is not None and figure.mem_id not in texts:
            text = " ".join(caption.text().split())
            max_chars -= len(text)
            if max_chars < 0:
                raise ValueError("captions within captions")
            texts[figure.mem_id] = text[:_MAX_FIGCAPTION_CHARS]
    return texts


def _figure(node: LexborNode) -> LexborNode | None:
    """The nearest `<figure>` around a node."""
    around = node.parent
    for _ in range(_MAX_CLIMB):
        if around is None or around.tag == "figure":
            return around
        around = around.parent
    return None


def _terms(
    parser: LexborHTMLParser,
    page_url: str,
    source: str,
    metas: Sequence[Meta],
    http_terms: HttpTerms,
) -> Terms:
    attributes = parser.root.attributes if parser.root else {}
    return page_terms(
        page_url,
        source,
        base=_first(parser, "base[href]", "href"),
        license_link=_first(parser, 'a[rel~="license" i], link[rel~="license" i]', "href"),
        root_language=attributes.get("lang") or attributes.get("xml:lang") or "",
        metas=metas,
        http_terms=http_terms,
    )


def _meta(attributes: Attributes) -> Meta:
    return meta(
        attributes.get("name"),
        attributes.get("property"),
        attributes.get("http-equiv"),
        attributes.get("content") or "",
    )


def _first(parser: LexborHTMLParser, selector: str, attribute: str) -> str:
    node = parser.css_first(selector)
    return (node.attributes.get(attribute) or "") if node else ""
