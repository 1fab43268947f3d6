"""HTML pages around images, in the ways of writing `<img>` that are found in the wild."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@dataclass(frozen=True)
class Shown:
    """An image on a page: its address, its text, and a smaller file of it where there is one."""

    url: str
    text: str
    small: str = ""


Style = Callable[[Shown, str], str]


def relative(url: str, page_url: str) -> str:
    """The shortest way of naming `url` on a page: by path where the host is the same."""
    target, page = urlsplit(url), urlsplit(page_url)
    if (target.scheme, target.netloc) != (page.scheme, page.netloc):
        return url
    path = posixpath.relpath(target.path, posixpath.dirname(page.path))
    return f"{path}?{target.query}" if target.query else path


def _plain(shown: Shown, page_url: str) -> str:
    del page_url
    return f'<p><img src="{escape(shown.url)}" alt="{escape(shown.text)}" width="96">'


def _relative(shown: Shown, page_url: str) -> str:
    return (
        f'<li><img alt="{escape(shown.text)}" src="{escape(relative(shown.url, page_url))}"></li>'
    )


def _rooted(shown: Shown, page_url: str) -> str:
    """Without scheme, and without host where that is the page's own."""
    target = urlsplit(shown.url)
    path = f"{target.path}?{target.query}" if target.query else target.path
    short = path if target.netloc == urlsplit(page_url).netloc else f"//{target.netloc}{path}"
    return f'<td><img src="{escape(short)}" alt="{escape(shown.text)}" border="0"></td>'


def _schemeless(shown: Shown, page_url: str) -> str:
    del page_url
    source = escape(shown.url.removeprefix("http:"))
    return f'<div><img src="{source}" alt="{escape(shown.text)}"/></div>'


def _figure(shown: Shown, page_url: str) -> str:
    source = escape(relative(shown.url, page_url))
    return (
        f'<figure><a href="{source}"><img src="{source}" alt=""></a>\n'
        f"  <figcaption>{escape(shown.text)}</figcaption></figure>"
    )


def _title(shown: Shown, page_url: str) -> str:
    return f'<img src="{escape(relative(shown.url, page_url))}" title="{escape(shown.text)}">'


def _srcset(shown: Shown, page_url: str) -> str:
    large, small = relative(shown.url, page_url), relative(shown.small or shown.url, page_url)
    return (
        f'<img srcset="{escape(small)} 48w, {escape(large)} 480w" sizes="96px" '
        f'src="{escape(small)}" alt="{escape(shown.text)}">'
    )


def _density(shown: Shown, page_url: str) -> str:
    large, small = relative(shown.url, page_url), relative(shown.small or shown.url, page_url)
    return f'<img src="{escape(small)}" srcset="{escape(large)} 2x" alt="{escape(shown.text)}">'


def _picture(shown: Shown, page_url: str) -> str:
    large, small = relative(shown.url, page_url), relative(shown.small or shown.url, page_url)
    return (
        f'<picture><source media="(min-width: 600px)" srcset="{escape(large)}">'
        f'<img src="{escape(small)}" alt="{escape(shown.text)}"></picture>'
    )


def _lazy(shown: Shown, page_url: str) -> str:
    source = escape(relative(shown.url, page_url))
    return f'<img class="lazy" src="{PIXEL}" data-src="{source}" alt="{escape(shown.text)}">'


def _lazy_noscript(shown: Shown, page_url: str) -> str:
    source = escape(relative(shown.url, page_url))
    return f'<img class=lazyload src="{PIXEL}" data-lazy-src="{source}" alt="{escape(shown.text)}">'


def _sloppy(shown: Shown, page_url: str) -> str:
    """Upper case, single quotes, unquoted attributes, and nothing closed."""
    source = relative(shown.url, page_url)
    text = shown.text.replace("&", "&amp;").replace("'", "&#39;")
    return f"<P><B><IMG SRC={source} BORDER=0 ALT='{text}'><BR>"


def _entities(shown: Shown, page_url: str) -> str:
    text = escape(shown.text).replace(" ", "&#32;", 1).replace("e", "&#x65;", 1)
    return f'<img src="{escape(relative(shown.url, page_url))}" alt="  {text}&nbsp;">'


STYLES: tuple[Style, ...] = (
    _plain,
    _relative,
    _rooted,
    _figure,
    _srcset,
    _lazy,
    _sloppy,
    _schemeless,
    _picture,
    _entities,
    _title,
    _lazy_noscript,
    _density,
)
TAKES_SMALL = {_srcset, _density, _picture}
PLAIN, RELATIVE = _plain, _relative


@dataclass(frozen=True)
class Page:
    """A page and how it is written.

    Args:
        robots: content of `<meta name="robots">`; none where empty.
        base: for `<base href>`; the addresses of the page are then relative to it.
        charset: of the bytes, as Python names it; `utf-8-sig` begins with a byte order mark.
        extra: markup after the images; such a page declares its charset in itself only.
    """

    url: str
    title: str
    shown: tuple[Shown, ...]
    style: Style = _plain
    language: str = "en"
    license: str = ""
    robots: str = ""
    base: str = ""
    charset: str = "utf-8"
    extra: str = ""

    @property
    def declared_charset(self) -> str:
        """The charset as a page or a header names it."""
        return self.charset.removesuffix("-sig")


def markup(page: Page) -> bytes:
    """The page as bytes; what its charset lacks becomes character references."""
    against = page.base or page.url
    head = [f"<title>{escape(page.title)}</title>", f'<meta charset="{page.declared_charset}">']
    if page.base:
        head.append(f'<base href="{page.base}">')
    if page.robots:
        head.append(f'<meta name="robots" content="{page.robots}">')
    if page.license:
        head.append(f'<link rel="license" href="{page.license}">')
    body = "\n".join(page.style(shown, against) for shown in page.shown)
    html = (
        f'<!DOCTYPE html>\n<html lang="{page.language}">\n<head>{"".join(head)}</head>\n<body>\n'
        f"<h1>{escape(page.title)}</h1>\n{body}\n{page.extra}\n</body>\n</html>\n"
    )
    return html.encode(page.charset, "xmlcharrefreplace")
