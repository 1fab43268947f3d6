"""A shop in disorder: broken files, errors, redirects, bad addresses, one caption for many."""

from collections.abc import Iterator, Sequence
from gzip import compress
from urllib.parse import urlsplit

from tools.demo_web.archive import Answer
from tools.demo_web.encodings import BROKEN, jpeg, palette_png
from tools.demo_web.pages import PLAIN, Page, Shown
from tools.demo_web.selection import Artwork
from tools.demo_web.web import Web

SHOP = "shop.demo.test"

_BROKEN_COUNTS = {
    "truncated-jpeg": 10,
    "truncated-png": 10,
    "corrupt-png": 6,
    "empty": 6,
    "html-as-jpeg": 8,
    "svg": 8,
    "bmp": 5,
    "tiff": 5,
    "pixel": 10,
    "too-small": 22,
    "banner": 15,
    "bomb": 5,
    "too-long": 4,
}


def build(web: Web, surplus: Iterator[Artwork], groups: Sequence[Sequence[Artwork]]) -> None:
    """All of the shop, which allows everything; each of `groups` shares one caption."""
    web.answer(Answer(f"http://{SHOP}/robots.txt", b"User-agent: *\nDisallow:\n", "text/plain"))
    _shared_captions(web, groups)
    _broken_files(web, surplus)
    _answers(web, surplus)
    _redirects(web, surplus)
    _bad_addresses(web, surplus)


def _shared_captions(web: Web, groups: Sequence[Sequence[Artwork]]) -> None:
    """Many images with one caption, as their library has them."""
    for artworks in groups:
        shown = []
        for n, item in enumerate(artworks):
            url = f"http://{SHOP}/sets/{item.slug}-{n}.png"
            shown.append(Shown(web.image(url, palette_png(item.image)), item.caption))
        web.pages(SHOP, f"shared caption {artworks[0].folder}", shown)


def _broken_files(web: Web, surplus: Iterator[Artwork]) -> None:
    """Files that cannot be decoded as images, under good captions."""
    for kind, count in _BROKEN_COUNTS.items():
        ending, make = BROKEN[kind]
        shown = []
        for n in range(count):
            artwork = next(surplus)
            url = f"http://{SHOP}/{kind}/{artwork.slug}-{n}.{ending}"
            shown.append(Shown(web.image(url, make(artwork.image)), artwork.caption))
        web.pages(SHOP, f"broken {kind}", shown)


def _answers(web: Web, surplus: Iterator[Artwork]) -> None:
    """Errors, and bodies under a content coding."""
    missing = [Shown(f"http://{SHOP}/gone/{n}.jpg", next(surplus).caption) for n in range(25)]
    web.pages(SHOP, "missing", missing)
    failing = []
    for status, count in {410: 8, 403: 5, 500: 6, 503: 2}.items():
        for n in range(count):
            url = f"http://{SHOP}/status/{status}-{n}.jpg"
            web.answer(Answer(url, b"<h1>Sorry</h1>", "text/html", status))
            failing.append(Shown(url, next(surplus).caption))
    web.pages(SHOP, "failing", failing)
    packed = []
    for artwork in (next(surplus) for _ in range(4)):
        body = compress(jpeg(artwork.image, 85), mtime=0)
        url = f"http://{SHOP}/packed/{artwork.slug}.jpg"
        packed.append(Shown(web.image(url, body, [("Content-Encoding", "gzip")]), artwork.caption))
    web.pages(SHOP, "content coding", packed)


_BAD_TARGETS = (
    *["http://169.254.169.254/latest/meta-data/"] * 3,
    *["file:///etc/passwd"] * 3,
    "http://10.0.0.1/admin.png",
    "http://localhost:22/",
    "ftp://mirror.demo.test/a.png",
)


def _redirects(web: Web, surplus: Iterator[Artwork]) -> None:
    good = []
    for n, status in enumerate((301, 302, 303, 307, 308) * 3):
        artwork = next(surplus)
        target = web.image(f"http://{SHOP}/moved/{artwork.slug}.jpg", jpeg(artwork.image, 85))
        location = target if n % 2 else urlsplit(target).path
        good.append(Shown(_redirect(web, f"ok-{n}", location, status), artwork.caption))
    web.pages(SHOP, "redirect", good)
    bad = [_redirect(web, f"bad-{n}", target) for n, target in enumerate(_BAD_TARGETS)]
    bad += [_redirect(web, f"loop-{n}", f"/go/loop-{(n + 1) % 3}") for n in range(3)]
    bad += [_redirect(web, f"chain-{n}", f"/go/chain-{n + 1}") for n in range(12)][:2]
    web.pages(SHOP, "bad redirect", [Shown(url, next(surplus).caption) for url in bad])


def _redirect(web: Web, name: str, location: str, status: int = 301) -> str:
    url = f"http://{SHOP}/go/{name}"
    headers = (("Location", location),)
    return web.answer(Answer(url, b"", "text/html", status, headers))


_BAD_ADDRESSES = (
    "javascript:void(0)",
    "mailto:someone@demo.test",
    "ftp://mirror.demo.test/pictures/a.jpg",
    "http://user:secret@shop.demo.test/a.jpg",
    "http:///a.jpg",
    "about:blank",
    "http://[::1/a.jpg",
    "http://127.0.0.1:8000/a.jpg",
    "http://[::1]/a.jpg",
    "http://2130706433/a.jpg",
    "http://169.254.169.254/latest/a.jpg",
    "http://0x7f.1/a.jpg",
    "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
    "data:image/png;base64,iVBORw0KGgo=",
)


def _bad_addresses(web: Web, surplus: Iterator[Artwork]) -> None:
    """Addresses that nothing may be fetched from."""
    shown = tuple(Shown(address, next(surplus).caption) for address in _BAD_ADDRESSES)
    web.page("bad address", Page(f"http://{SHOP}/odd/1.html", "Odd", shown, PLAIN))
