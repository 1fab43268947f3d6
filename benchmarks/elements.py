"""The extraction of `pages.html` on lxml's elements, without BeautifulSoup above them."""

from collections.abc import Iterator
from functools import partial
from urllib.parse import urljoin

from lxml import etree, html  # type: ignore[import-untyped]

from benchmarks.soup import LAZY, READABLE, SRCSETS
from pipelines.crawl.candidates import Found
from pipelines.crawl.pages.charset import decode
from pipelines.crawl.pages.html import largest
from pipelines.crawl.pages.page import Page
from pipelines.crawl.pages.terms import opt_out_of


def extract_with_lxml(page: Page) -> Iterator[Found]:
    """The images of a page with the same fields, given the charset that ours finds."""
    text = decode(page.html, page.charset)
    try:
        root = html.document_fromstring(text)
    except (etree.ParserError, ValueError):  # an empty page; an XML declaration before text
        return
    base = next(iter(root.xpath("//base/@href")), "").strip()
    base_url = urljoin(page.url, base) if base else page.url
    license_url = next(iter(root.xpath("//*[self::a or self::link][@rel='license']/@href")), "")
    of_page = partial(
        Found,
        base_url=base_url,
        page_url=page.url,
        page_language=_language(root) or page.http_terms.language,
        license=urljoin(base_url, license_url.strip()) if license_url else "",
        opt_out=page.http_terms.opt_out or _opt_out(root),
    )
    for image in root.iter("img"):
        text_source, caption = _text(image)
        yield of_page(raw_url=_image_url(image), caption=caption, text_source=text_source)
    for url, caption in _open_graph_images(root):
        yield of_page(raw_url=url, caption=caption, text_source="og:image")


def _language(root: html.HtmlElement) -> str:
    metas = root.xpath("//meta[@http-equiv='content-language']/@content")
    return root.get("lang", "").strip() or next(iter(metas), "").strip()


def _open_graph_images(root: html.HtmlElement) -> Iterator[tuple[str, str]]:
    url = ""
    for meta in root.iter("meta"):
        key, content = meta.get("property", "").lower(), meta.get("content", "")
        if key in {"og:image", "og:image:url"}:
            url = content.strip()
        elif key == "og:image:alt" and url and content.strip():
            yield url, content
            url = ""


def _image_url(image: html.HtmlElement) -> str:
    offered = [largest(image.get(name, "")) for name in SRCSETS]
    picture = next(image.iterancestors("picture"), None)
    for source in picture.iter("source") if picture is not None else ():
        if source.get("type", "").lower() in READABLE:
            offered.append(largest(source.get("srcset") or source.get("data-srcset") or ""))
    offered += [image.get(name, "").strip() for name in LAZY]
    real = (url for url in offered if url and not url.lower().startswith("data:"))
    return next(real, image.get("src", "").strip())


def _text(image: html.HtmlElement) -> tuple[str, str]:
    if (alt := image.get("alt", "")).strip():
        return "alt", alt
    figure = next(image.iterancestors("figure"), None)
    caption = figure.find(".//figcaption") if figure is not None else None
    if caption is not None and (text := " ".join("".join(caption.itertext()).split())):
        return "figcaption", text
    if (title := image.get("title", "")).strip():
        return "title", title
    return "alt", ""


def _opt_out(root: html.HtmlElement) -> str:
    for meta in root.iter("meta"):
        name, content = meta.get("name", "").strip().lower(), meta.get("content", "")
        if name == "tdm-reservation" and content.strip() == "1":
            return "tdm-reservation"
        if name == "robots" and (word := opt_out_of(content)):
            return word
    return ""
