"""The bad part of the web: captions, addresses, answers and copies that a stage has to drop."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from gzip import compress
from typing import Any
from urllib.parse import urlsplit

from demo.archive import Answer
from demo.encodings import BROKEN, jpeg, lesser_copy, lossless_twin, palette_png
from demo.packages import Picture
from demo.pages import PLAIN, RELATIVE, STYLES, Page, Shown
from demo.texts import (
    DATES,
    FILE_NAMES,
    LONG,
    MONTHS,
    ONE_WORD,
    PHRASES,
    REPEATED,
    SYMBOLS,
    TRANSLATIONS,
)
from demo.web import Placed, Web, in_pages

BLOG, SHOP, MIRROR = "blog.demo.test", "shop.demo.test", "mirror.demo.test"
PRIVATE = "private.demo.test"


def _pages(web: Web, host: str, kind: str, shown: Sequence[Shown], **options: Any) -> None:
    for number, items in in_pages(shown, 20):
        style = (
            PLAIN if options.get("charset") or kind == "long" else STYLES[(len(kind) + number) % 4]
        )
        url = f"http://{host}/{kind.replace(' ', '-')}/{number}.html"
        page = Page(url, f"{kind.capitalize()} {number}", items, style)
        web.page(kind, replace(page, **options))


def bad_captions(web: Web, placed: Sequence[Placed]) -> None:
    """The pictures of the galleries once more, on a blog that writes its alt texts badly."""
    kinds = {
        "file name": (45, FILE_NAMES),
        "date": (40, DATES),
        "phrase": (40, PHRASES),
        "one word": (40, ONE_WORD),
        "repetition": (25, REPEATED),
        "symbols": (15, SYMBOLS),
        "long": (12, (LONG,)),
        "shouting": (35, ("{shout}",)),
        "empty": (30, ("", " ")),
    }
    start = 0
    for kind, (count, texts) in kinds.items():
        items = placed[start : start + count]
        shown = [
            Shown(item.url, texts[n % len(texts)].format(**_words(start + n, item)))
            for n, item in enumerate(items)
        ]
        _pages(web, BLOG, kind, shown)
        start += count


def _words(n: int, item: Placed) -> dict[str, object]:
    caption = item.picture.caption
    word = caption.split(",")[0].split()[-1].lower()
    month = MONTHS[n % len(MONTHS)]
    numbers: dict[str, object] = {"n": 1000 + 37 * n, "d": n % 27 + 1, "m": n % 9 + 1}
    texts = {"slug": item.picture.slug.replace("-", "_"), "month": month, "caption": caption}
    return {**numbers, **texts, "w": word, "word": word, "shout": caption.upper()}


def other_languages(web: Web, placed: Sequence[Placed], foreign: Sequence[Picture]) -> None:
    """Translated captions on emoji, and clip art with the Italian or French title of its author."""
    by_slug = {item.picture.slug: item.url for item in placed}
    for language in sorted({language for _, language, _ in TRANSLATIONS}):
        shown = [
            Shown(by_slug[name.replace("_", "-")], text)
            for name, its_language, text in TRANSLATIONS
            if its_language == language and name.replace("_", "-") in by_slug
        ]
        url = f"http://{BLOG}/{language}/index.html"
        web.page("other language", Page(url, language, tuple(shown), RELATIVE, language=language))
    shown = [
        Shown(
            web.image(f"http://{BLOG}/estero/{item.slug}.png", palette_png(item.image)),
            item.caption,
        )
        for item in foreign
    ]
    _pages(web, BLOG, "other language", shown, language="it", charset="iso-8859-1")


def shared_captions(web: Web, groups: Sequence[Sequence[Picture]]) -> None:
    """Many pictures with one caption, as their library has them."""
    for pictures in groups:
        shown = []
        for n, item in enumerate(pictures):
            url = f"http://{SHOP}/sets/{item.slug}-{n}.png"
            shown.append(Shown(web.image(url, palette_png(item.image)), item.caption))
        _pages(web, SHOP, f"shared caption {pictures[0].folder}", shown)


def copies(web: Web, placed: Sequence[Placed]) -> None:
    """A mirror: identical files, identical pixels, lesser copies, other spellings of one address."""
    png = [item for item in placed if item.url.endswith(".png") and "-48." not in item.url]
    identical = [
        Shown(
            web.image(_mirrored(item, item.url.rsplit(".", 1)[1]), item.encoded),
            item.picture.caption,
        )
        for item in placed[300:330]
    ]
    queried = [
        Shown(web.image(f"{item.url}?v=2&size=full", item.encoded), item.picture.caption)
        for item in placed[330:340]
    ]
    recoded = [
        Shown(web.image(_mirrored(item, "webp"), lossless_twin(item.encoded)), item.picture.caption)
        for item in png[100:130]
    ]
    _pages(web, MIRROR, "identical file", [*identical, *queried])
    _pages(web, MIRROR, "identical pixels", recoded)
    _pages(web, MIRROR, "lesser copy", list(_lesser(web, placed[400:1335:11])))
    _pages(web, MIRROR, "respelled address", list(_respelled(placed[500:524])), charset="utf-8")
    _pages(web, MIRROR, "repeated pair", [Shown(i.url, i.picture.caption) for i in placed[700:740]])


def _mirrored(item: Placed, ending: str, suffix: str = "") -> str:
    return f"http://{MIRROR}/copies/{item.picture.folder}/{item.picture.slug}{suffix}.{ending}"


def _lesser(web: Web, items: Sequence[Placed]) -> Iterator[Shown]:
    for n, item in enumerate(items):
        body = lesser_copy(item.picture.image, n)
        ending = "jpg" if body.startswith(b"\xff\xd8") else "webp"
        yield Shown(web.image(_mirrored(item, ending, "-copy"), body), item.picture.caption)


def _respelled(items: Sequence[Placed]) -> Iterator[Shown]:
    for n, item in enumerate(items):
        parts = urlsplit(item.url)
        folder, _, name = parts.path.rpartition("/")
        spellings = (
            f"HTTP://{parts.netloc.upper()}{parts.path}",
            f"http://{parts.netloc}:80{parts.path}",
            f"http://{parts.netloc}{folder}/old/../{name}",
            f"http://{parts.netloc}{folder}/./{name}",
            f"{item.url}#top",
            f"http://{parts.netloc}{folder}/%{ord(name[0]):02X}{name[1:]}",
        )
        yield Shown(spellings[n % len(spellings)], item.picture.caption)


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


def broken_files(web: Web, surplus: Iterator[Picture]) -> None:
    """Files that are not to be had as pictures, under good captions."""
    for kind, count in _BROKEN_COUNTS.items():
        ending, make = BROKEN[kind]
        shown = []
        for n in range(count):
            picture = next(surplus)
            url = f"http://{SHOP}/{kind}/{picture.slug}-{n}.{ending}"
            shown.append(Shown(web.image(url, make(picture.image)), picture.caption))
        _pages(web, SHOP, f"broken {kind}", shown)


_Headers = Sequence[tuple[str, str]]


def guarded(web: Web, surplus: Iterator[Picture]) -> None:
    """Pictures that must not be taken: by robots.txt, by a header, by a word on the page."""
    rules = b"User-agent: *\nDisallow: /private/\nAllow: /private/press/\n"
    web.answer(Answer(f"http://{PRIVATE}/robots.txt", rules, "text/plain; charset=utf-8"))
    words = ("noai, noimageai", "noimageai", "noai", "dallebot: noai", "noindex, noimageindex")
    headers = [("X-Robots-Tag", words[n % len(words)]) for n in range(30)]
    groups: dict[str, tuple[str, Sequence[_Headers]]] = {
        "robots": ("private", [()] * 30),
        "robots exception": ("private/press", [()] * 4),
        "opt-out header": ("members", [(header,) for header in headers]),
        "opt-out of another bot": ("open", [(("X-Robots-Tag", "otherbot: noai"),)] * 4),
        "reserved rights": ("reserved", [(("TDM-Reservation", "1"),)] * 4),
    }
    for kind, (folder, sent) in groups.items():
        shown = [_guarded(web, folder, next(surplus), headers) for headers in sent]
        _pages(web, PRIVATE, kind, shown)
    opted_out = [_guarded(web, "portfolio", next(surplus), ()) for _ in range(20)]
    _pages(web, PRIVATE, "page opt-out", opted_out, robots="noai, noimageai")


def _guarded(web: Web, folder: str, picture: Picture, headers: _Headers) -> Shown:
    url = f"http://{PRIVATE}/{folder}/{picture.slug}.jpg"
    return Shown(web.image(url, jpeg(picture.image, 85), headers), picture.caption)


def answers(web: Web, surplus: Iterator[Picture]) -> None:
    """Errors, redirects good and bad, and bodies under a content coding."""
    missing = [Shown(f"http://{SHOP}/gone/{n}.jpg", next(surplus).caption) for n in range(25)]
    _pages(web, SHOP, "missing", missing)
    failing = []
    for status, count in {410: 8, 403: 5, 500: 6, 503: 2}.items():
        for n in range(count):
            url = f"http://{SHOP}/status/{status}-{n}.jpg"
            web.answer(Answer(url, b"<h1>Sorry</h1>", "text/html", status))
            failing.append(Shown(url, next(surplus).caption))
    _pages(web, SHOP, "failing", failing)
    packed = []
    for picture in (next(surplus) for _ in range(4)):
        body = compress(jpeg(picture.image, 85), mtime=0)
        url = f"http://{SHOP}/packed/{picture.slug}.jpg"
        packed.append(Shown(web.image(url, body, [("Content-Encoding", "gzip")]), picture.caption))
    _pages(web, SHOP, "content coding", packed)
    _redirects(web, surplus)


_BAD_TARGETS = (
    *["http://169.254.169.254/latest/meta-data/"] * 3,
    *["file:///etc/passwd"] * 3,
    "http://10.0.0.1/admin.png",
    "http://localhost:22/",
    "ftp://mirror.demo.test/a.png",
)


def _redirects(web: Web, surplus: Iterator[Picture]) -> None:
    good = []
    for n, status in enumerate((301, 302, 303, 307, 308) * 3):
        picture = next(surplus)
        target = web.image(f"http://{SHOP}/moved/{picture.slug}.jpg", jpeg(picture.image, 85))
        location = target if n % 2 else urlsplit(target).path
        good.append(Shown(_redirect(web, f"ok-{n}", location, status), picture.caption))
    _pages(web, SHOP, "redirect", good)
    bad = [_redirect(web, f"bad-{n}", target) for n, target in enumerate(_BAD_TARGETS)]
    bad += [_redirect(web, f"loop-{n}", f"/go/loop-{(n + 1) % 3}") for n in range(3)]
    bad += [_redirect(web, f"chain-{n}", f"/go/chain-{n + 1}") for n in range(12)][:2]
    _pages(web, SHOP, "bad redirect", [Shown(url, next(surplus).caption) for url in bad])


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


def bad_addresses(web: Web, surplus: Iterator[Picture]) -> None:
    """Addresses that nothing may be fetched from."""
    shown = tuple(Shown(address, next(surplus).caption) for address in _BAD_ADDRESSES)
    web.page("bad address", Page(f"http://{SHOP}/odd/1.html", "Odd", shown, PLAIN))


def robots(web: Web) -> None:
    """What the other hosts allow: with a byte order mark, by redirect, and everything."""
    allow = b"\xef\xbb\xbfUser-agent: *\nDisallow: /wp-admin/\n"
    web.answer(Answer(f"http://{BLOG}/robots.txt", allow, "text/plain"))
    location = (("Location", "http://clipart.demo.test/robots.txt"),)
    web.answer(Answer(f"http://{MIRROR}/robots.txt", b"", "text/html", 301, location))
    web.answer(Answer(f"http://{SHOP}/robots.txt", b"User-agent: *\nDisallow:\n", "text/plain"))
