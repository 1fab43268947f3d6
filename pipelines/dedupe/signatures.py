"""Image signatures, 300 bytes compared in place of pixels, and the duplicates they reveal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from PIL import Image

from dalle_model.pixels import from_stored
from dalle_model.shards import image_of
from pipelines.rejection import Check, Rejection, reject

THUMBNAIL_EDGE = 8  # cells; chosen with `DedupeConfig.max_cell_difference`
COLUMNS = ["key", "url", "caption", "image", "width", "height", "pixel_hash", "phash"]

Rank = tuple[int, str]
Pair = dict[str, Any]


@dataclass(frozen=True)
class ImageSignature:
    """One image, whatever the number of its captions.

    Args:
        image_key: its part of the key, 24 hex characters.
        width: of the original, in pixels.
        height: of the original, in pixels.
        pixel_hash: of the original's pixels.
        phash: its 64-bit perceptual hash.
        thumbnail: 8x8 cells of RGB, 192 bytes.
    """

    image_key: str
    width: int
    height: int
    pixel_hash: str
    phash: int
    thumbnail: bytes

    @property
    def rank(self) -> Rank:
        """Lower is better: the larger image, then the smaller key. No two images tie."""
        return (-self.width * self.height, self.image_key)


@dataclass(frozen=True, order=True)
class Duplicate:
    """Why an image is a duplicate; of several reasons, the least is the one to report.

    Args:
        better: rank of the image that is kept in its place.
        reason: `exact_duplicate` or `near_duplicate`.
        hamming: bits in which the two perceptual hashes differ.
        max_hamming: the limit.
    """

    better: Rank
    reason: str
    hamming: float
    max_hamming: float

    def check(self) -> Check:
        """As the failed rule; `detail` names the better image."""
        return Check(self.reason, False, self.hamming, self.max_hamming, self.better[1])


def image_signatures(table: pa.Table) -> Iterator[ImageSignature]:
    """The signatures of an image shard, one for each image.

    Args:
        table: `COLUMNS` of an image shard, sorted by key.
    """
    last = ""
    for batch in table.to_batches(max_chunksize=64):
        for row in batch.to_pylist():
            image_key = image_of(row["key"])
            if image_key != last:
                yield _signature(image_key, row)
            last = image_key


def pairs(table: pa.Table) -> Iterator[Pair]:
    """Every row of an image shard, as `key`, `url` and `caption`."""
    yield from table.select(["key", "url", "caption"]).to_pylist()


def join_duplicates(
    pairs: Iterable[Pair], duplicates: Iterable[Duplicate], stage: str
) -> Iterator[Pair | Rejection]:
    """The pairs of one image: as they are, or all rejected where the image is a duplicate.

    Args:
        pairs: of one image.
        duplicates: found for it, by any number of bands; any order.
        stage: name for the rejections.
    """
    reported = min(duplicates, default=None)
    for pair in pairs:
        yield pair if reported is None else reject(pair, stage, reported.check())


def thumbnail(stored: bytes) -> bytes:
    """The mean colours of 8x8 cells: RGB bytes in raster order."""
    edge = (THUMBNAIL_EDGE, THUMBNAIL_EDGE)
    return Image.fromarray(from_stored(stored)).resize(edge, Image.Resampling.BOX).tobytes()


def _signature(image_key: str, row: dict[str, Any]) -> ImageSignature:
    return ImageSignature(
        image_key=image_key,
        width=row["width"],
        height=row["height"],
        pixel_hash=row["pixel_hash"],
        phash=row["phash"],
        thumbnail=thumbnail(row["image"]),
    )
