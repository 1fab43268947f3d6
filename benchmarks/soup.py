"""The extraction of `pipelines.crawl.html` as one would write it with BeautifulSoup on lxml."""

from collections.abc import Iterator
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag

from pipelines.crawl.candidates import Found
from pipelines.crawl.charset import decode
from pipelines.crawl.html import largest, opt_out_of
from pipelines.crawl.pages import Page

_SRCSETS = ("srcset", "data-srcset", "data-lazy-srcset")
_LAZY = ("data-src", "data-lazy-src", "data-original", "data-lazy")
_READABLE = {"", "image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif"}


def extract_with_soup(page: Page) -> Iterator[Found]:
    """Every `<img>` of a page with the same fields; it is handed the charset that ours finds."""
    soup = BeautifulSoup(decode(page.html, page.charset), "lxml")
    base = soup.find("base", href=True)
    base_url = urljoin(page.url, base["href"].strip()) if base else page.url
    license_link = soup.find(["a", "link"], rel="license", href=True)
    language = soup.html.get("lang", "") if soup.html else ""
    opt_out = _opt_out(soup)
    for image in soup.find_all("img"):
        text_source, caption = _text(image)
        yield Found(
            raw_url=_picture_url(image),
            caption=caption,
            text_source=text_source,
            base_url=base_url,
            page_url=page.url,
            page_language=language.strip(),
            license=urljoin(base_url, license_link["href"].strip()) if license_link else "",
            opt_out=page.opt_out or opt_out,
        )


def _picture_url(image: Tag) -> str:
    offered = [largest(image.get(name, "")) for name in _SRCSETS]
    picture = image.find_parent("picture")
    for source in picture.find_all("source") if picture else ():
        if source.get("type", "").lower() in _READABLE:
            offered.append(largest(source.get("srcset") or source.get("data-srcset") or ""))
    offered += [image.get(name, "").strip() for name in _LAZY]
    real = (url for url in offered if url and not url.lower().startswith("data:"))
    return next(real, image.get("src", "").strip())


def _text(image: Tag) -> tuple[str, str]:
    if (alt := image.get("alt", "")).strip():
        return "alt", alt
    figure = image.find_parent("figure")
    caption = figure.find("figcaption") if figure else None
    if caption and (text := " ".join(caption.get_text().split())):
        return "figcaption", text
    if (title := image.get("title", "")).strip():
        return "title", title
    return "alt", ""


def _opt_out(soup: BeautifulSoup) -> str:
    for meta in soup.find_all("meta"):
        name, content = meta.get("name", "").strip().lower(), meta.get("content", "")
        if name == "tdm-reservation" and content.strip() == "1":
            return "tdm-reservation"
        if name == "robots" and (word := opt_out_of(content)):
            return word
    return ""
