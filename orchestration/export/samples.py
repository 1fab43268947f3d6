"""Rows of a run as samples: key, image, caption, and what is known of them."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from PIL import Image

from dalle_model.pixels import to_png
from orchestration.export.layouts import PAIR_KEY, sample_key

IMAGE_COLUMN = "image"  # of image shards: the stored image, of whatever format
JPEG_QUALITY = 95  # Source: img2dataset `main.py` `download`, default of `encode_quality`

# The formats by their first bytes, and by the names that img2dataset gives them.
_SIGNATURES = {"png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff"}
_WEBP_AT = slice(8, 12)  # behind `RIFF` and a length
PILLOW_NAMES = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}


class Batch(NamedTuple):
    """Some rows that lie together in one shard of the export.

    Args:
        shard: its number.
        first: position of the first row in the shard.
        rows: as image shards have them.
    """

    shard: int
    first: int
    rows: pa.Table


@dataclass(frozen=True)
class Sample:
    """One image with its caption.

    Args:
        key: its name in the export.
        image: its bytes.
        image_format: their format: `png`, `jpg` or `webp`.
        caption: text.
        metadata: the row of img2dataset's table of results.
    """

    key: str
    image: bytes
    image_format: str
    caption: str
    metadata: dict[str, Any]


def batches(tables: Iterable[pa.Table], samples_per_shard: int, most: int) -> Iterator[Batch]:
    """Cut tables anew: no more than one of them is held at a time.

    Args:
        tables: of rows, in order.
        samples_per_shard: rows of a shard of the export; the last one may have fewer.
        most: rows of a batch; fewer only at the end of a shard.
    """
    position, left = 0, None
    for table in tables:
        left = table if left is None else pa.concat_tables([left, table])
        while left.num_rows >= (
            room := min(most, samples_per_shard - position % samples_per_shard)
        ):
            yield Batch(*divmod(position, samples_per_shard), left.slice(0, room))
            left, position = left.slice(room), position + room
    if left is not None and left.num_rows:
        yield Batch(*divmod(position, samples_per_shard), left)


def samples_of(
    batch: Batch, names: list[str], samples_per_shard: int, image_format: str
) -> list[Sample]:
    """The samples of a batch.

    Args:
        batch: of rows with `key`, `url`, `caption`, the image and its `width`, `height`, `sha256`.
        names: of the columns of the table of results, in order.
        samples_per_shard: by which keys are made.
        image_format: of the images; empty leaves them as they are stored.
    """
    samples = []
    for offset, row in enumerate(batch.rows.to_pylist()):
        key = sample_key(batch.shard, batch.first + offset, samples_per_shard)
        stored = format_of(row[IMAGE_COLUMN])
        image = encoded_as(row[IMAGE_COLUMN], image_format or stored)
        known = row | _outcome(row, key, image)
        metadata = {name: known[name] for name in names}
        samples.append(Sample(key, image, image_format or stored, row["caption"], metadata))
    return samples


def format_of(encoded: bytes) -> str:
    """The format of stored bytes, by their beginning.

    Raises:
        ValueError: it is none that an export can hold.
    """
    for name, signature in _SIGNATURES.items():
        if encoded.startswith(signature):
            return name
    if encoded[_WEBP_AT] == b"WEBP":
        return "webp"
    raise ValueError(f"stored bytes that begin with {encoded[:8]!r} are no PNG, JPEG or WebP")


def encoded_as(encoded: bytes, image_format: str) -> bytes:
    """An image in a format: as it is where it has that one, else encoded anew.

    Lossy formats at the quality of img2dataset's default; PNG has all pixels as they are.
    """
    stored = format_of(encoded)
    if stored == image_format:
        return encoded
    with Image.open(io.BytesIO(encoded), formats=[PILLOW_NAMES[stored]]) as image:
        rgb = image.convert("RGB")
    if image_format == "png":
        return to_png(np.asarray(rgb))
    sink = io.BytesIO()
    rgb.save(sink, PILLOW_NAMES[image_format], quality=JPEG_QUALITY)
    return sink.getvalue()


def _outcome(row: dict[str, Any], key: str, image: bytes) -> dict[str, Any]:
    """What img2dataset says of a success; stored images have no Exif, so that is empty."""
    with Image.open(io.BytesIO(image), formats=list(PILLOW_NAMES.values())) as opened:
        width, height = opened.size  # of the header: no pixel is decoded
    return {
        PAIR_KEY: row["key"],
        "key": key,
        "status": "success",
        "error_message": None,
        "width": width,
        "height": height,
        "original_width": row["width"],
        "original_height": row["height"],
        "exif": "{}",
    }
