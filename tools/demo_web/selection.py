"""Which images ship: each recognisable, and no two alike."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from PIL import Image

from tools.demo_web.encodings import on_white

# Mean difference, of 255, between 16x16 thumbnails below which two images are too alike to ship
# as two; chosen by eye on the closest pairs.
ALIKE = 7.0
# Standard deviation of a thumbnail, chosen: below it are blank sheets and hair lines.
MIN_SPREAD = 12.0
MIN_SIDE, MAX_ASPECT = 64, 1.9  # what the demo's rules accept, with some distance to 2:1


@dataclass(frozen=True)
class Artwork:
    """An image and what its package says about it."""

    slug: str
    folder: str
    caption: str
    image: Image.Image
    original: bytes = b""  # the package's file, where it is used as it is


def distinct(artworks: Iterator[Artwork], taken: "Taken") -> Iterator[Artwork]:
    """Without wide or tiny ones, repeated captions and images that look like an earlier one."""
    return (artwork for artwork in artworks if taken.admits(artwork))


class Taken:
    """The images chosen so far: their thumbnails, captions and names."""

    def __init__(self) -> None:
        self._thumbnails: list[npt.NDArray[np.float32]] = []
        self._names: set[str] = set()

    def admits(self, artwork: Artwork) -> bool:
        """Whether the image is new, and if it is, remember it."""
        names = {artwork.caption.casefold(), f"{artwork.folder}/{artwork.slug}"}
        shorter, longer = sorted(artwork.image.size)
        fits = shorter >= MIN_SIDE and longer <= MAX_ASPECT * shorter
        if not fits or names & self._names or not self.admits_image(artwork.image):
            return False
        self._names |= names
        return True

    def admits_image(self, image: Image.Image) -> bool:
        """Whether the image alone is new and not blank, and if so, remember it."""
        small = on_white(image).resize((16, 16), Image.Resampling.BOX)
        thumbnail = np.asarray(small, np.float32).ravel()
        if thumbnail.std() < MIN_SPREAD:
            return False
        if (
            self._thumbnails
            and np.abs(np.stack(self._thumbnails) - thumbnail).mean(1).min() < ALIKE
        ):
            return False
        self._thumbnails.append(thumbnail)
        return True


def by_digest(artworks: list[Artwork], salt: str) -> list[Artwork]:
    """In an order that depends on the names alone and mixes the folders."""
    return sorted(artworks, key=lambda p: blake2b(f"{salt}{p.folder}/{p.slug}".encode()).digest())


def slug(text: str) -> str:
    """Lower case letters and digits, joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
