"""A host whose images must not be taken: by robots.txt, by a header, by a word on the page."""

from collections.abc import Iterator, Sequence

from tools.demo_web.archive import Answer
from tools.demo_web.encodings import jpeg
from tools.demo_web.pages import Shown
from tools.demo_web.selection import Artwork
from tools.demo_web.web import Web

PRIVATE = "private.demo.test"

_Headers = Sequence[tuple[str, str]]


def build(web: Web, surplus: Iterator[Artwork]) -> None:
    """All of the host, with the exceptions that must be taken nevertheless."""
    rules = b"User-agent: *\nDisallow: /private/\nAllow: /private/press/\n"
    web.answer(Answer(f"http://{PRIVATE}/robots.txt", rules, "text/plain; charset=utf-8"))
    words = ("noai, noimageai", "noimageai", "noai", "dallebot: noai", "noindex, noimageindex")
    tags = [("X-Robots-Tag", words[n % len(words)]) for n in range(30)]
    groups: dict[str, tuple[str, Sequence[_Headers]]] = {
        "robots": ("private", [()] * 30),
        "robots exception": ("private/press", [()] * 4),
        "opt-out header": ("members", [(tag,) for tag in tags]),
        "opt-out of another bot": ("open", [(("X-Robots-Tag", "otherbot: noai"),)] * 4),
        "reserved rights": ("reserved", [(("TDM-Reservation", "1"),)] * 4),
    }
    for kind, (folder, sent) in groups.items():
        shown = [_guarded(web, folder, next(surplus), headers) for headers in sent]
        web.pages(PRIVATE, kind, shown)
    opted_out = [_guarded(web, "portfolio", next(surplus), ()) for _ in range(20)]
    web.pages(PRIVATE, "page opt-out", opted_out, robots="noai, noimageai")


def _guarded(web: Web, folder: str, artwork: Artwork, headers: _Headers) -> Shown:
    url = f"http://{PRIVATE}/{folder}/{artwork.slug}.jpg"
    return Shown(web.image(url, jpeg(artwork.image, 85), headers), artwork.caption)
