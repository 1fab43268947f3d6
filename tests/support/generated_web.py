"""A web of any number of images of real size.

Each image is a pure function of its number, which its address holds: the server process makes it
when it is first asked for. So are the oddities that are planted among them, and what must become of
each.

`python -m tests.support.generated_web [FOLDER]` serves it, and keeps what it has made in a folder.
"""

import gzip
import io
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.request import urlopen

from tests.support.archives import http_record
from tests.support.photographs import jpeg, photograph
from tests.support.raw_server import NOT_FOUND, Answer, response, serve

SUFFIX = ".demo.test"
SEEN = "/seen"
NUM_HOSTS = 16
IMAGES_ON_A_PAGE = 20
ROBOTS = b"User-agent: *\nDisallow: /private/\n"

# Of 100 images; what follows from each is in `EXPECTED`. The rest are plain JPEGs.
SHARES = {
    "png": 4,
    "webp": 6,
    "copy": 4,
    "recompressed": 6,
    "truncated": 3,
    "tiny": 3,
    "missing": 3,
    "opted_out": 3,
    "disallowed": 3,
}
# The stage that drops an image of a kind, and its reason.
EXPECTED = {
    "missing": ("fetch", "not_found"),
    "opted_out": ("fetch", "opt_out"),
    "disallowed": ("fetch", "robots_disallowed"),
    "truncated": ("images", "truncated"),
    "tiny": ("images", "too_small"),
    "copy": ("dedupe", "exact_duplicate"),
    "recompressed": ("dedupe", "near_duplicate"),
}
_COLOURS = ("red", "blue", "green", "yellow", "white", "grey", "brown", "black")
_THINGS = ("boat", "house", "bridge", "garden", "street", "mountain", "field", "river")
_PLACES = ("harbour", "lake", "village", "forest", "city", "coast", "market", "station")


def kind_of(number: int) -> str:
    """What is planted under a number; what copies another image follows a plain one."""
    kind = _drawn(number)
    if kind in {"copy", "recompressed"} and (number == 0 or _drawn(number - 1) != "jpeg"):
        return "jpeg"
    return kind


def _drawn(number: int) -> str:
    rest = random.Random(f"kind {number}").randrange(100)
    for kind, share in SHARES.items():
        rest -= share
        if rest < 0:
            return kind
    return "jpeg"


def expected(num_images: int) -> dict[str, Counter[str]]:
    """Rows that each stage must drop, by reason."""
    found = {stage: Counter[str]() for stage, _ in EXPECTED.values()}
    for kind, count in Counter(map(kind_of, range(num_images))).items():
        if kind in EXPECTED:
            stage, reason = EXPECTED[kind]
            found[stage][reason] += count
    return found


def url_of(number: int) -> str:
    """The address of an image."""
    folder = "private/" if kind_of(number) == "disallowed" else ""
    return f"http://h{number % NUM_HOSTS}{SUFFIX}/{folder}{number}.img"


def caption_of(number: int) -> str:
    """A text that passes the recipes, of which no two are alike."""
    chance = random.Random(f"caption {number}")
    colour, thing, place = map(chance.choice, (_COLOURS, _THINGS, _PLACES))
    return f"a {colour} {thing} near the {place} on day {number} of the journey"


def answer(host: str, path: str) -> bytes:
    """The response to a request."""
    del host  # every host has every image
    if path == "/robots.txt":
        return response(ROBOTS, "text/plain")
    name = path.rpartition("/")[2].removesuffix(".img")
    if not name.isdecimal() or kind_of(int(name)) == "missing":
        return NOT_FOUND
    return _image(int(name))


def _image(number: int) -> bytes:
    match kind_of(number):
        case "png":
            return response(_saved(number, "PNG", compress_level=1), "image/png")
        case "webp":
            return response(_saved(number, "WEBP", method=0), "image/webp")
        case "copy":
            return response(jpeg(number - 1))
        case "recompressed":
            return response(jpeg(number - 1, quality=60))
        case "truncated":
            content = jpeg(number)
            return response(content[: len(content) // 2])
        case "tiny":
            buffer = io.BytesIO()
            photograph(number).resize((40, 40)).save(buffer, "JPEG")
            return response(buffer.getvalue())
        case "opted_out":
            return response(jpeg(number), "image/jpeg", 200, "X-Robots-Tag: noai")
    return response(jpeg(number))


def _saved(number: int, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    photograph(number).save(buffer, form, **options)
    return buffer.getvalue()


def write_pages(
    folder: Path, num_images: int, *, num_archives: int = 2, shuffle_seed: int | None = None
) -> None:
    """Web archives of the pages that show the images, in an order of choice."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = list(range(0, num_images, IMAGES_ON_A_PAGE))
    if shuffle_seed is not None:
        random.Random(shuffle_seed).shuffle(numbers)
    for index in range(num_archives):
        pages = _records(numbers[index::num_archives], num_images)
        (folder / f"pages-{index}.warc.gz").write_bytes(b"".join(map(gzip.compress, pages)))


def _records(numbers: Iterable[int], num_images: int) -> Iterator[bytes]:
    for first in numbers:
        shown = range(first, min(first + IMAGES_ON_A_PAGE, num_images))
        images = "".join(f'<img src="{url_of(n)}" alt="{caption_of(n)}">' for n in shown)
        url = f"http://pages{first % NUM_HOSTS}{SUFFIX}/{first}.html"
        yield http_record(url, f"<html><body>{images}</body></html>".encode())


def kept_in(folder: Path) -> Answer:
    """As `answer`, but made once: it takes longer to make an image than to fetch and store it."""
    folder.mkdir(parents=True, exist_ok=True)

    def kept(host: str, path: str) -> bytes:
        file = folder / path.rpartition("/")[2]
        if not file.exists():
            file.write_bytes(answer(host, path))
        return file.read_bytes()

    return kept


def counted(made: Answer) -> Answer:
    """The same, with the number of its images that were asked for at `/seen`."""
    seen = 0

    def answered(host: str, path: str) -> bytes:
        nonlocal seen
        if path == SEEN:
            return response(str(seen).encode(), "text/plain")
        if path != "/robots.txt":
            seen += 1
        return made(host, path)

    return answered


def requests_of(port: int) -> int:
    """How often a running server was asked for an image."""
    with urlopen(f"http://127.0.0.1:{port}{SEEN}") as found:
        return int(found.read())


if __name__ == "__main__":
    serve(counted(kept_in(Path(sys.argv[1])) if len(sys.argv) > 1 else answer))
