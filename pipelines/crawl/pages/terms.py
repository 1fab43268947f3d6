"""What a page states about all its images, whether read from HTML or from a WAT record."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urljoin

from pipelines.crawl.candidates import Found
from pipelines.web.optout import OPT_OUT_WORDS, TDM_RESERVATION
from pipelines.web.urls import MAX_URL_CHARS

OG_IMAGE = "og:image"

HEADERS = (TDM_RESERVATION, "x-robots-tag", "content-language")  # what `read_headers` takes

_OG_ROOTS = frozenset({OG_IMAGE, "og:image:url"})  # Source: ogp.me, "Structured Properties"
_MAX_LANGUAGE_CHARS = 35  # Source: RFC 5646, section 4.4.1
_MAX_BASE_CHARS = 2048  # Source: sitemaps.org, "Sitemaps XML format": the limit of `<loc>`
_MAX_LICENSE_CHARS = 1000  # chosen: it is repeated in every row of the page


class Meta(NamedTuple):
    """A `<meta>` element.

    Args:
        keys: its `name`, `property` and `http-equiv`, those that it has, in lower case.
        content: as written.
    """

    keys: tuple[str, ...]
    content: str


class HttpTerms(NamedTuple):
    """What the HTTP headers of a page state; empty where they state nothing.

    Args:
        opt_out: the first opt-out word.
        language: `Content-Language`, as written.
    """

    opt_out: str = ""
    language: str = ""


NO_HTTP_TERMS = HttpTerms()


class Terms(NamedTuple):
    """What applies to all images of a page; the fields are those of `Found`."""

    base_url: str
    page_url: str
    source: str
    page_language: str
    license: str
    opt_out: str

    def found(self, raw_url: str, caption: str, text_source: str) -> Found:
        """An image of the page."""
        return Found(raw_url, caption, text_source, *self)


def page_terms(
    page_url: str,
    source: str,
    *,
    base: str,
    license_link: str,
    root_language: str,
    metas: Sequence[Meta],
    http_terms: HttpTerms,
) -> Terms:
    """The terms of a page.

    Args:
        page_url: its address; empty where it is not known.
        source: name of the source.
        base: `href` of `<base>`; empty where there is none, like all that follow.
        license_link: `href` of the first link with `rel=license`.
        root_language: `lang` of the root element.
        metas: in the order of the page.
        http_terms: what its headers state.
    """
    is_short = len(base) <= _MAX_BASE_CHARS  # every image is joined with it
    base_url = (_joined(page_url, base) if is_short else "") or page_url
    license_url = _joined(base_url, license_link)
    return Terms(
        base_url=base_url,
        page_url=page_url,
        source=source,
        page_language=language(root_language, metas, http_terms),
        license=license_url if len(license_url) <= _MAX_LICENSE_CHARS else "",
        opt_out=opt_out(metas, http_terms),
    )


def meta(name: str | None, property_: str | None, http_equiv: str | None, content: str) -> Meta:
    """A `<meta>` from its attributes; None or empty for those that it lacks."""
    keys = (name, property_, http_equiv)
    return Meta(tuple(key.strip().lower() for key in keys if key), content)


def read_headers(tdm_reservation: str, robots: Iterable[str], language: str) -> HttpTerms:
    """The headers TDM-Reservation, X-Robots-Tag (each occurrence) and Content-Language.

    Source: W3C TDM Reservation Protocol, section 6.1, for the first.
    """
    is_reserved = tdm_reservation.strip() == "1"
    return HttpTerms(TDM_RESERVATION if is_reserved else opt_out_of(",".join(robots)), language)


def opt_out_of(directives: str) -> str:
    """The first opt-out word in a list of robots directives; empty where there is none."""
    words = {word.strip().lower() for word in directives.split(",")}
    return next((word for word in OPT_OUT_WORDS if word in words), "")


def opt_out(metas: Iterable[Meta], http_terms: HttpTerms) -> str:
    """The first opt-out word, headers before markup; empty where there is none."""
    if http_terms.opt_out:
        return http_terms.opt_out
    for keys, content in metas:
        if TDM_RESERVATION in keys and content.strip() == "1":
            return TDM_RESERVATION
        if "robots" in keys and (word := opt_out_of(content)):
            return word
    return ""


def language(attribute: str, metas: Iterable[Meta], http_terms: HttpTerms) -> str:
    """The language of a page by the attribute of its root, its `<meta>`, its header, in this order.

    A list of languages says nothing about the images and does not count.
    Source: WHATWG HTML, sections 3.2.6.2 and 4.2.5.3.
    """
    pragmas = (content for keys, content in metas if "content-language" in keys)
    declared = (text.strip() for text in (attribute, *pragmas, http_terms.language))
    return next((text for text in declared if text and "," not in text), "")[:_MAX_LANGUAGE_CHARS]


def open_graph_images(metas: Sequence[Meta]) -> Iterator[tuple[str, str]]:
    """URL and text of each `og:image` that has a non-blank `og:image:alt`.

    An alt belongs to the image before it. Source: ogp.me, "Arrays".
    """
    url = ""
    for keys, content in metas:
        if not _OG_ROOTS.isdisjoint(keys):
            url = content.strip()
        elif "og:image:alt" in keys and url and content.strip():
            yield url, content
            url = ""


def _joined(base: str, reference: str) -> str:
    """An absolute URL; empty where there is no reference, or an invalid one."""
    reference = reference.strip()
    if not reference or len(reference) > MAX_URL_CHARS:
        return ""
    try:
        return urljoin(base, reference)
    except ValueError:
        return ""
