"""What stands for a picture when pictures are compared: some 300 bytes instead of its pixels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from PIL import Image

from dalle_model.pixels import from_png
from dalle_model.shards import image_of
from pipelines.rejection import Check

THUMBNAIL_EDGE = 8  # cells; chosen with `DedupeConfig.max_cell_difference`
COLUMNS = ["key", "url", "caption", "png", "width", "height", "pixel_hash", "phash"]

Rank = tuple[int, str]
Pair = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """One picture, whatever the number of its captions.

    Args:
        image: its part of the key, 24 hex characters.
        width: of the original, in pixels.
        height: of the original, in pixels.
        pixel_hash: of the original's pixels.
        phash: 64 bits of what it looks like.
        thumbnail: 8x8 cells of RGB, 192 bytes.
    """

    image: str
    width: int
    height: int
    pixel_hash: str
    phash: int
    thumbnail: bytes

    @property
    def rank(self) -> Rank:
        """Lower is better: the larger picture, then the smaller key. No two pictures tie."""
        return (-self.width * self.height, self.image)


@dataclass(frozen=True, order=True)
class Duplicate:
    """Why a picture is superfluous; the least one is the one to tell.

    Args:
        better: rank of the picture that makes it so.
        reason: `exact_duplicate` or `near_duplicate`.
        hamming: bits between the two perceptual hashes.
        max_hamming: the limit.
    """

    better: Rank
    reason: str
    hamming: float
    max_hamming: float

    def check(self) -> Check:
        """As the failed rule; `detail` names the better picture."""
        return Check(self.reason, False, self.hamming, self.max_hamming, self.better[1])


def pictures(table: pa.Table) -> Iterator[Picture]:
    """The pictures of an image shard, each once.

    Args:
        table: `COLUMNS` of an image shard, sorted by key.
    """
    last = ""
    for batch in table.to_batches(max_chunksize=64):
        for row in batch.to_pylist():
            image = image_of(row["key"])
            if image != last:
                yield _picture(image, row)
            last = image


def pairs(table: pa.Table) -> Iterator[Pair]:
    """Every row of an image shard, as `key`, `url` and `caption`."""
    yield from table.select(["key", "url", "caption"]).to_pylist()


def thumbnail(png: bytes) -> bytes:
    """The mean colours of 8x8 cells, raster order, RGB."""
    edge = (THUMBNAIL_EDGE, THUMBNAIL_EDGE)
    return from_png(png).resize(edge, Image.Resampling.BOX).tobytes()


def _picture(image: str, row: dict[str, Any]) -> Picture:
    return Picture(
        image=image,
        width=row["width"],
        height=row["height"],
        pixel_hash=row["pixel_hash"],
        phash=row["phash"],
        thumbnail=thumbnail(row["png"]),
    )
