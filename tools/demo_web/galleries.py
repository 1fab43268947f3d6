"""The good part of the web: galleries whose images should pass every stage."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from PIL import Image

from tools.demo_web.archive import Answer
from tools.demo_web.encodings import ODD, gif, jpeg, palette_png, shrink, webp
from tools.demo_web.pages import STYLES, TAKES_SMALL, Page, Shown
from tools.demo_web.selection import Artwork
from tools.demo_web.texts import WRAPPERS
from tools.demo_web.web import Placed, Web, in_pages

CLIPART, EMOJI, PHOTOS = "clipart.demo.test", "emoji.demo.test", "photos.demo.test"
LICENSES = {
    CLIPART: "https://creativecommons.org/licenses/publicdomain/",
    EMOJI: "https://www.apache.org/licenses/LICENSE-2.0",
    PHOTOS: "https://creativecommons.org/publicdomain/zero/1.0/",
}
SMALL_SIDE = 48  # below what the demo accepts: the wrong entry of a srcset is dropped
# Every n-th image, chosen: some 40 odd files, 35 wrapped captions, 20 answers that fail at first.
ODD_EVERY, WRAPPED_EVERY, FLAKY_EVERY = 20, 45, 80
_CHARSETS = ("utf-8", "windows-1252", "utf-8", "iso-8859-1", "utf-8-sig")
_SLOPPY_END = (
    "<!-- <img src='/old/removed.jpg' alt='a picture that was commented out'> -->\n"
    "<table><tr><td><p>Updated <b>often<i></table></div></p></center>"
    '<script>document.write(\'<img src="/x.gif" alt="written by a script">\')</script>'
)
_NEXT = '<a href="/"><img src="/nav/next.gif" alt="Next"></a>'

Encoder = tuple[str, Callable[[Image.Image], bytes]]
_CLIPART_FILES: tuple[Encoder, ...] = (
    ("png", palette_png),
    ("jpg", jpeg),
    ("webp", webp),
    ("png", palette_png),
    ("jpg", jpeg),
    ("gif", gif),
    ("webp", webp),
)


def clipart_gallery(web: Web, artworks: Sequence[Artwork]) -> list[Placed]:
    """Clip art in the usual formats, and now and then in an unusual one."""
    odd = list(ODD.values())
    files = [
        odd[n // ODD_EVERY % len(odd)] if n % ODD_EVERY == 3 else _CLIPART_FILES[n % 7]
        for n in range(len(artworks))
    ]
    return _gallery(web, CLIPART, artworks, files)


def emoji_gallery(web: Web, artworks: Sequence[Artwork]) -> list[Placed]:
    """Emoji: three in four as their package has them, the others as WebP and JPEG."""
    other: dict[int, Encoder] = {
        3: ("webp", lambda im: webp(im, 85)),
        7: ("jpg", lambda im: jpeg(im, 88)),
    }
    files = [other.get(n % 8, ("png", lambda image: b"")) for n in range(len(artworks))]
    return _gallery(web, EMOJI, artworks, files)


def photo_gallery(web: Web, artworks: Sequence[Artwork]) -> list[Placed]:
    """Photographs, as JPEG and WebP."""
    both: tuple[Encoder, ...] = (("jpg", jpeg), ("jpg", jpeg), ("webp", webp))
    return _gallery(web, PHOTOS, artworks, [both[n % 3] for n in range(len(artworks))])


def _gallery(
    web: Web, host: str, artworks: Sequence[Artwork], files: Sequence[Encoder]
) -> list[Placed]:
    web.image(f"http://{host}/nav/next.gif", gif(Image.new("RGB", (72, 72), (40, 90, 160))))
    placed = [
        _place(web, host, n, artwork, file)
        for n, (artwork, file) in enumerate(zip(artworks, files, strict=True))
    ]
    shown = [Shown(item.url, _wrapped(n, item.artwork.caption)) for n, item in enumerate(placed)]
    images = {item.url: item.artwork.image for item in placed}
    for number, items in in_pages(shown):
        web.page("gallery", _gallery_page(web, host, number, items, images))
    return placed


def _place(web: Web, host: str, n: int, artwork: Artwork, file: Encoder) -> Placed:
    ending, encode = file
    encoded = encode(artwork.image) or artwork.original
    url = f"http://{host}/img/{artwork.folder}/{artwork.slug}.{ending}"
    web.image(url, encoded)
    if n % FLAKY_EVERY == 11:
        web.answers[url] = replace(web.answers[url], replay="flaky")
    return Placed(url, artwork, encoded)


def _wrapped(n: int, caption: str) -> str:
    if n % WRAPPED_EVERY != 7:
        return caption
    return WRAPPERS[n // WRAPPED_EVERY % len(WRAPPERS)].format(caption)


def _gallery_page(
    web: Web, host: str, number: int, items: tuple[Shown, ...], images: dict[str, Image.Image]
) -> Page:
    style = STYLES[number % len(STYLES)]
    if style in TAKES_SMALL:
        items = tuple(replace(item, small=_small(web, item, images)) for item in items)
    return Page(
        url=f"http://{host}/gallery/{number}.html"
        if number % 4
        else f"http://{host}/view.php?page={number}",
        title=f"Pictures, page {number}",
        shown=items,
        style=style,
        license=LICENSES[host],
        base=f"http://{host}/img/" if number % 9 == 5 else "",
        charset=_CHARSETS[number % len(_CHARSETS)],
        extra=(_NEXT if number % 2 else "") + (_SLOPPY_END if number % 6 == 0 else ""),
    )


def _small(web: Web, item: Shown, images: dict[str, Image.Image]) -> str:
    stem = item.url.rsplit(".", 1)[0]
    return web.image(f"{stem}-48.png", palette_png(shrink(images[item.url], SMALL_SIDE)))


def robots(web: Web) -> None:
    """What the galleries allow; `emoji.demo.test` has no such file."""
    other_bot = b"User-agent: badbot\nDisallow: /\n\nUser-agent: *\nDisallow: /cgi-bin/\n"
    web.answer(Answer(f"http://{CLIPART}/robots.txt", other_bot, "text/plain"))
    web.answer(Answer(f"http://{PHOTOS}/robots.txt", b"", "text/plain"))
