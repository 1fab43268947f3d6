"""Make the small real web: `python -m tools.demo_web.make_web PACKAGES` writes `demo/web.warc.gz`.

`SOURCES.md` says which packages, and how to unpack them into the folder `PACKAGES`.
"""

import argparse
from collections import Counter
from hashlib import blake2b
from pathlib import Path

from tools.demo_web import blog, galleries, mirror, private, shop
from tools.demo_web.archive import Answer, archive_bytes
from tools.demo_web.emoji import emoji
from tools.demo_web.openclipart import clipart, foreign_clipart, titled
from tools.demo_web.photographs import photographs
from tools.demo_web.selection import Artwork, Taken, by_digest, distinct
from tools.demo_web.texts import PHOTOGRAPHS, TRANSLATIONS
from tools.demo_web.web import Web

NUM_EMOJI, NUM_CLIPART = 760, 790  # of the galleries; the rest becomes defects
NUM_SHARED = 22  # images under one caption, above the usual cap of ten
MAX_BYTES = 12_000_000


def make_web(packages: Path) -> Web:
    """All pages and images, in a fixed order."""
    taken = Taken()
    library = packages / "openclipart"
    photos = list(photographs(packages / "scikit-image", packages / "stdlib", PHOTOGRAPHS))
    faces = _chosen_first(list(distinct(emoji(packages / "emoji"), taken)))
    drawings = by_digest(list(distinct(clipart(library), taken)), "clipart")
    foreign = list(distinct(foreign_clipart(library), taken))[:50]
    roadsigns = list(titled(library, "SVG Road Signs", "^transportation/"))
    icons = list(titled(library, "Lemon SVG theme", "/(mimetypes|devices|filesystems|action)"))
    surplus = iter([*faces[NUM_EMOJI:], *drawings[NUM_CLIPART:]])

    web = Web()
    placed = [
        *galleries.emoji_gallery(web, _by_name(faces[:NUM_EMOJI])),
        *galleries.clipart_gallery(web, _by_name(drawings[:NUM_CLIPART])),
        *galleries.photo_gallery(web, photos),
    ]
    galleries.robots(web)
    blog.build(web, placed, foreign)
    mirror.build(web, placed)
    private.build(web, surplus)
    shop.build(web, surplus, [_new(roadsigns, taken), _new(icons, taken)])
    return web


def by_url_digest(web: Web) -> list[Answer]:
    """All answers in a mixed order, as a crawl meets them."""
    return sorted(web.answers.values(), key=lambda a: blake2b(a.url.encode()).digest())


def _chosen_first(artworks: list[Artwork]) -> list[Artwork]:
    """Those with translated captions first, so that they are in a gallery."""
    names = {name.replace("_", "-") for name, _, _ in TRANSLATIONS}
    return sorted(by_digest(artworks, "emoji"), key=lambda artwork: artwork.slug not in names)


def _by_name(artworks: list[Artwork]) -> list[Artwork]:
    return sorted(artworks, key=lambda artwork: (artwork.folder, artwork.slug))


def _new(artworks: list[Artwork], taken: Taken) -> list[Artwork]:
    return [p for p in by_digest(artworks, "shared") if taken.admits_image(p.image)][:NUM_SHARED]


def _summary(web: Web, size: int) -> str:
    kinds: Counter[str] = web.kinds
    rows = [f"| {kind} | {count} |" for kind, count in sorted(kinds.items())]
    total = f"{sum(kinds.values())} images with text, {len(web.answers)} answers, {size} bytes"
    return "\n".join([*rows, total])


def main() -> None:
    """Write the archive and print how many images of each kind it shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", type=Path)
    parser.add_argument("--out", type=Path, default=Path("demo/web.warc.gz"))
    arguments = parser.parse_args()
    web = make_web(arguments.packages)
    content = archive_bytes(by_url_digest(web), software="demo/make_web.py")
    if len(content) > MAX_BYTES:
        raise SystemExit(f"the archive has {len(content)} bytes; it must stay below {MAX_BYTES}")
    arguments.out.write_bytes(content)
    print(_summary(web, len(content)))


if __name__ == "__main__":
    main()
