"""What is stored of the images that rows are compared with: signatures, captions, a small image."""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from dalle_model import files
from dalle_model.clip.scorer import Embedder
from dalle_model.pixels import Rgb
from dalle_model.resize import centred
from pipelines.image_sets.config import ImageSet
from pipelines.image_sets.layouts import SetImage, images_of
from pipelines.io import parquet
from pipelines.io.locked_process import Unseen
from pipelines.io.miniatures import Miniature, miniature_of
from pipelines.records import REFERENCE_SCHEMA
from pipelines.sameness.hashes import describe

BATCH = 64  # images at a time; chosen: what an embedder takes at once, and 20 MB of pixels
MAX_BYTES = 50 << 20  # of an image; chosen: above the largest photographs
QUALITY = 90  # of the small image that people are shown; chosen: 25 kB, and no fault to be seen
# An image that is longer than this is described by its centred square too, as which others may have
# stored it. Chosen: what is cut off a smaller one changes no more than a crop of 5 %.
MAX_SQUARE_ASPECT = 1.05

Row = dict[str, Any]


def write_references(
    url: str,
    sets: Sequence[ImageSet],
    embedder: Embedder | None,
    on_image: Callable[[int], None],
) -> dict[str, int | str]:
    """Describe sets, and write what they hold as one Parquet file.

    An image that cannot be read or decoded stays in it by name, with the reason and its captions.

    Args:
        url: of the file.
        sets: to describe.
        embedder: that gives vectors of the images too; None for none.
        on_image: called with how many images are described.

    Returns:
        By set, how many images, captions and unreadable images there are; the first of these by
        name.

    Raises:
        ImageSetError: a set has no image, or its captions cannot be read.
    """
    counts: Counter[str] = Counter()
    broken: dict[str, str] = {}
    with files.writing(url) as stream:
        tables = _tables(sets, embedder, on_image, counts, broken)
        parquet.write(stream, REFERENCE_SCHEMA, tables)
    return {**dict(sorted(counts.items())), **broken}


def _tables(
    sets: Sequence[ImageSet],
    embedder: Embedder | None,
    on_image: Callable[[int], None],
    counts: Counter[str],
    broken: dict[str, str],
) -> Iterator[pa.Table]:
    done = 0
    for one in sets:
        for batch in _batches(images_of(one)):
            rows = [described(one.name, reference) for reference in batch]
            if embedder is not None:
                _embed(rows, embedder)
            for row in rows:
                _count(row, counts, broken)
            done += len(rows)
            on_image(done)
            yield pa.Table.from_pylist(rows, REFERENCE_SCHEMA)


def described(of: str, reference: SetImage) -> Row:
    """A row of `REFERENCE_SCHEMA`, without its vector.

    Args:
        of: name of the set.
        reference: whose bytes are untrusted.
    """
    row: Row = {"set": of, "name": reference.name, "captions": reference.captions}
    try:
        encoded = reference.read()
    except OSError as error:
        return row | _unreadable(f"not read: {type(error).__name__}")
    if len(encoded) > MAX_BYTES:
        return row | _unreadable(f"{len(encoded):,} bytes: too large")
    found = miniature_of(encoded)
    if isinstance(found, Unseen):
        return row | _unreadable(found.why)
    return row | _seen(found) | {"sha256": files.sha256(encoded), "unreadable": ""}


def _seen(found: Miniature) -> Row:
    views = [describe(found.rgb)]
    height, width, _ = found.rgb.shape
    if max(height, width) > MAX_SQUARE_ASPECT * min(height, width):
        views.append(describe(centred(found.rgb)))
    return {
        "image": _to_jpeg(found.rgb),
        "width": found.width,
        "height": found.height,
        "pixel_hash": found.pixel_hash,
        **{name: b"".join(view[name] for view in views) for name in ("sketch", "thumbnail")},
    }


def _unreadable(why: str) -> Row:
    return {"unreadable": why, "sha256": "", "pixel_hash": "", "sketch": b"", "thumbnail": b""}


def _to_jpeg(rgb: Rgb) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _embed(rows: list[Row], embedder: Embedder) -> None:
    """Add the vector of each image that can be seen, from the small image that is stored."""
    seen = [row for row in rows if not row["unreadable"]]
    if not seen:
        return
    images = [np.asarray(Image.open(io.BytesIO(row["image"]))) for row in seen]
    for row, vector in zip(seen, embedder.embed_images(images), strict=True):
        row["embedding"] = vector.tolist()


def _count(row: Row, counts: Counter[str], broken: dict[str, str]) -> None:
    of = row["set"]
    counts[f"{of}: images"] += 1
    counts[f"{of}: captions"] += len(row["captions"])
    if row["unreadable"]:
        counts[f"{of}: unreadable"] += 1
        broken.setdefault(f"{of}: first unreadable", f"{row['name']} ({row['unreadable']})")


def _batches(found: Iterator[SetImage]) -> Iterator[list[SetImage]]:
    batch: list[SetImage] = []
    for reference in found:
        batch.append(reference)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
