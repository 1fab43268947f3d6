"""What a page says about its pictures: the best URL of each, its text, and the page's terms."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from pipelines.crawl.candidates import Found
from pipelines.crawl.charset import decode

Attributes = dict[str, str | None]

# Words against use for AI. `noindex` and `none` stay out: pages say them of themselves (a login, a
# list of results), not of their pictures. Source: DeviantArt's noai and noimageai, 2022; noml from
# Mojeek; noimageindex from Google; W3C TDM Reservation Protocol, section 6.3.
OPT_OUTS = ("noai", "noimageai", "noml", "noimageindex")
TDM_RESERVATION = "tdm-reservation"

_SRCSETS = ("srcset", "data-srcset", "data-lazy-srcset")
_LAZY = ("data-src", "data-lazy-src", "data-original", "data-lazy")
_READABLE = frozenset({"", "image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif"})
_MAX_CLIMB = 8  # chosen: levels between a picture and its figure; a bound on hostile depth
_MAX_LANGUAGE_CHARS = 35  # Source: RFC 5646, section 4.4.1
_MAX_LICENSE_CHARS = 1000  # chosen: it is repeated in every row of the page

_URL = re.compile(r"[\s,]*([^\s,]\S*)")
_DESCRIPTOR = re.compile(r"([^,]*),?")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([wx])")


@dataclass(frozen=True)
class _Terms:
    """What holds for all pictures of a page."""

    base_url: str
    language: str
    license: str
    opt_out: str


def extract(
    html: bytes,
    page_url: str,
    charset: str | None = None,
    *,
    text_sources: Sequence[str] = ("alt", "figcaption", "title"),
    header_opt_out: str = "",
    source: str = "",
) -> Iterator[Found]:
    """Every `<img>` of a page in document order, with or without a usable URL and text.

    Args:
        html: the page; anything at all.
        page_url: its address; empty where it is not known.
        charset: of the HTTP header.
        text_sources: where the text may stand; the first that is not blank is taken.
        header_opt_out: what the HTTP headers said against use.
        source: name of the source.
    """
    parser = LexborHTMLParser(decode(html, charset), options=LexborDocumentOptions.WO_EVENTS)
    terms = _terms(parser, page_url, header_opt_out)
    figcaptions: dict[int, str] = {}
    for image in parser.tags("img"):
        attributes = image.attributes
        text_source, caption = _text(image, attributes, text_sources, figcaptions)
        yield Found(
            raw_url=_picture_url(image, attributes),
            caption=caption,
            text_source=text_source,
            base_url=terms.base_url,
            page_url=page_url,
            source=source,
            page_language=terms.language,
            license=terms.license,
            opt_out=terms.opt_out,
        )


def opt_out_of(directives: str) -> str:
    """The first word against use for AI in a robots directive list; empty where there is none."""
    words = {word.strip().lower() for word in directives.split(",")}
    return next((word for word in OPT_OUTS if word in words), "")


def largest(srcset: str) -> str:
    """URL of the largest candidate of a `srcset`, inlined ones left out; empty where none is.

    Source: WHATWG HTML, section 4.8.4.3.5, parsing a srcset attribute.
    """
    candidates = [c for c in _srcset(srcset) if not _is_inline(c[1])]
    return max(candidates, key=lambda c: c[0])[1] if candidates else ""


def _srcset(value: str) -> Iterator[tuple[tuple[bool, float], str]]:
    """Sizes, widths above densities, with their URLs, which may hold commas."""
    position = 0
    while match := _URL.match(value, position):
        url, position = match[1], match.end()
        size = None
        if not url.endswith(",") and (descriptor := _DESCRIPTOR.match(value, position)):
            position = descriptor.end()
            size = _SIZE.search(descriptor[1])
        yield (size[2] == "w", float(size[1])) if size else (False, 1.0), url.rstrip(",")


def _picture_url(image: LexborNode, attributes: Attributes) -> str:
    """The largest of what is offered, and what a script would load before a placeholder."""
    offered = [largest(attributes.get(name) or "") for name in _SRCSETS]
    offered += _picture_sources(image)
    offered += [(attributes.get(name) or "").strip() for name in _LAZY]
    real = (url for url in offered if url and not _is_inline(url))
    return next(real, (attributes.get("src") or "").strip())


def _picture_sources(image: LexborNode) -> Iterator[str]:
    """Of the `<picture>` around an image: `<source>` elements in formats that are decoded here."""
    picture = image.parent
    if picture is None or picture.tag != "picture":
        return
    for source in picture.iter():
        attributes = source.attributes
        if source.tag == "source" and (attributes.get("type") or "").lower() in _READABLE:
            yield largest(attributes.get("srcset") or attributes.get("data-srcset") or "")


def _text(
    image: LexborNode,
    attributes: Attributes,
    text_sources: Sequence[str],
    figcaptions: dict[int, str],
) -> tuple[str, str]:
    for name in text_sources:
        text = _figcaption(image, figcaptions) if name == "figcaption" else attributes.get(name)
        if text and text.strip():
            return name, text
    return text_sources[0], ""


def _figcaption(image: LexborNode, known: dict[int, str]) -> str:
    """Text of the nearest figure's caption; each figure is searched once."""
    node = image.parent
    for _ in range(_MAX_CLIMB):
        if node is None:
            break
        if node.tag == "figure":
            if node.mem_id not in known:
                caption = node.css_first("figcaption")
                known[node.mem_id] = " ".join(caption.text().split()) if caption else ""
            return known[node.mem_id]
        node = node.parent
    return ""


def _terms(parser: LexborHTMLParser, page_url: str, header_opt_out: str) -> _Terms:
    root = parser.root
    base_url = _joined(page_url, _first(parser, "base[href]", "href")) or page_url
    license_url = _joined(
        base_url, _first(parser, 'a[rel~="license" i], link[rel~="license" i]', "href")
    )
    attributes = root.attributes if root else {}
    language = attributes.get("lang") or attributes.get("xml:lang") or ""
    return _Terms(
        base_url=base_url,
        language=language.strip()[:_MAX_LANGUAGE_CHARS],
        license=license_url if len(license_url) <= _MAX_LICENSE_CHARS else "",
        opt_out=header_opt_out or _meta_opt_out(parser),
    )


def _meta_opt_out(parser: LexborHTMLParser) -> str:
    for meta in parser.tags("meta"):
        name = (meta.attributes.get("name") or "").strip().lower()
        content = meta.attributes.get("content") or ""
        if name == TDM_RESERVATION and content.strip() == "1":
            return TDM_RESERVATION
        if name == "robots" and (word := opt_out_of(content)):
            return word
    return ""


def _first(parser: LexborHTMLParser, selector: str, attribute: str) -> str:
    node = parser.css_first(selector)
    return (node.attributes.get(attribute) or "").strip() if node else ""


def _joined(base: str, reference: str) -> str:
    """An absolute URL; empty where there is no reference or it cannot be one."""
    try:
        return urljoin(base, reference) if reference else ""
    except ValueError:
        return ""


def _is_inline(url: str) -> bool:
    return url.lstrip()[:5].lower() == "data:"
