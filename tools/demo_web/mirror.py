"""A mirror: copies of images of the galleries, equal, alike, or under another spelling."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from tools.demo_web.archive import Answer
from tools.demo_web.encodings import lesser_copy, lossless_twin
from tools.demo_web.pages import Shown
from tools.demo_web.web import Placed, Web

MIRROR = "mirror.demo.test"


def build(web: Web, placed: Sequence[Placed]) -> None:
    """All of the mirror; its robots.txt is a redirect to that of the galleries."""
    location = (("Location", "http://clipart.demo.test/robots.txt"),)
    web.answer(Answer(f"http://{MIRROR}/robots.txt", b"", "text/html", 301, location))
    _copies(web, placed)


def _copies(web: Web, placed: Sequence[Placed]) -> None:
    """Identical files, identical pixels, lesser copies, other spellings of one address."""
    png = [item for item in placed if item.url.endswith(".png") and "-48." not in item.url]
    identical = [
        Shown(
            web.image(_mirrored(item, item.url.rsplit(".", 1)[1]), item.encoded),
            item.artwork.caption,
        )
        for item in placed[300:330]
    ]
    queried = [
        Shown(web.image(f"{item.url}?v=2&size=full", item.encoded), item.artwork.caption)
        for item in placed[330:340]
    ]
    recoded = [
        Shown(web.image(_mirrored(item, "webp"), lossless_twin(item.encoded)), item.artwork.caption)
        for item in png[100:130]
    ]
    web.pages(MIRROR, "identical file", [*identical, *queried])
    web.pages(MIRROR, "identical pixels", recoded)
    web.pages(MIRROR, "lesser copy", list(_lesser(web, placed[400:1335:11])))
    web.pages(MIRROR, "respelled address", list(_respelled(placed[500:524])))
    web.pages(MIRROR, "repeated pair", [Shown(i.url, i.artwork.caption) for i in placed[700:740]])


def _mirrored(item: Placed, ending: str, suffix: str = "") -> str:
    return f"http://{MIRROR}/copies/{item.artwork.folder}/{item.artwork.slug}{suffix}.{ending}"


def _lesser(web: Web, items: Sequence[Placed]) -> Iterator[Shown]:
    for n, item in enumerate(items):
        body = lesser_copy(item.artwork.image, n)
        ending = "jpg" if body.startswith(b"\xff\xd8") else "webp"
        yield Shown(web.image(_mirrored(item, ending, "-copy"), body), item.artwork.caption)


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
        yield Shown(spellings[n % len(spellings)], item.artwork.caption)
