"""The extraction of `pages.html` as one would write it with BeautifulSoup on lxml."""

from collections.abc import Iterator
from functools import partial
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag

from pipelines.crawl.candidates import Found
from pipelines.crawl.pages.charset import decode
from pipelines.crawl.pages.html import largest
from pipelines.crawl.pages.page import Page
from pipelines.crawl.pages.terms import opt_out_of

SRCSETS = ("srcset", "data-srcset", "data-lazy-srcset")
LAZY = ("data-src", "data-lazy-src", "data-original", "data-lazy")
READABLE = {"", "image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif"}


def extract_with_soup(page: Page) -> Iterator[Found]:
    """The images of a page with the same fields, given the charset that ours finds."""
    soup = BeautifulSoup(decode(page.html, page.charset), "lxml")
    base = soup.find("base", href=True)
    base_url = urljoin(page.url, _get(base, "href").strip()) if base else page.url
    license_link = soup.find(["a", "link"], rel="license", href=True)
    of_page = partial(
        Found,
        base_url=base_url,
        page_url=page.url,
        page_language=_language(soup) or page.http_terms.language,
        license=urljoin(base_url, _get(license_link, "href").strip()) if license_link else "",
        opt_out=page.http_terms.opt_out or _opt_out(soup),
    )
    for image in soup.find_all("img"):
        text_source, caption = _text(image)
        yield of_page(raw_url=_image_url(image), caption=caption, text_source=text_source)
    for url, caption in _open_graph_images(soup):
        yield of_page(raw_url=url, caption=caption, text_source="og:image")


def _language(soup: BeautifulSoup) -> str:
    root = _get(soup.html, "lang").strip() if soup.html else ""
    meta = soup.find("meta", attrs={"http-equiv": "content-language"})
    return root or (_get(meta, "content").strip() if meta else "")


def _open_graph_images(soup: BeautifulSoup) -> Iterator[tuple[str, str]]:
    url = ""
    for meta in soup.find_all("meta", property=["og:image", "og:image:url", "og:image:alt"]):
        content = _get(meta, "content")
        if meta["property"] != "og:image:alt":
            url = content.strip()
        elif url and content.strip():
            yield url, content
            url = ""


def _image_url(image: Tag) -> str:
    offered = [largest(_get(image, name)) for name in SRCSETS]
    picture = image.find_parent("picture")
    for source in picture.find_all("source") if picture else ():
        if _get(source, "type").lower() in READABLE:
            offered.append(largest(_get(source, "srcset") or _get(source, "data-srcset")))
    offered += [_get(image, name).strip() for name in LAZY]
    real = (url for url in offered if url and not url.lower().startswith("data:"))
    return next(real, _get(image, "src").strip())


def _text(image: Tag) -> tuple[str, str]:
    if (alt := _get(image, "alt")).strip():
        return "alt", alt
    figure = image.find_parent("figure")
    caption = figure.find("figcaption") if figure else None
    if caption and (text := " ".join(caption.get_text().split())):
        return "figcaption", text
    if (title := _get(image, "title")).strip():
        return "title", title
    return "alt", ""


def _opt_out(soup: BeautifulSoup) -> str:
    for meta in soup.find_all("meta"):
        name, content = _get(meta, "name").strip().lower(), _get(meta, "content")
        if name == "tdm-reservation" and content.strip() == "1":
            return "tdm-reservation"
        if name == "robots" and (word := opt_out_of(content)):
            return word
    return ""


def _get(tag: Tag, name: str) -> str:
    value = tag.get(name)
    return value if isinstance(value, str) else ""
