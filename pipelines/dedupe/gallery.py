"""Duplicates side by side for the report: an image that stayed, and those dropped for it.

Keys are hashes, so the images that stayed with the first ones are a sample, the same each time.
"""

import io
import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image

from dalle_model.pixels import from_stored
from dalle_model.shards import IMAGE_DIGITS, image_of
from pipelines.dedupe.against import FinishedRunError, open_run
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.shard import REASONS
from pipelines.io.batches import rows_below
from pipelines.io.keys import shard_of
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest, read_rejected
from pipelines.io.parquet import UnreadableShardError, read_ranges, read_row_group
from pipelines.records import IMAGES
from pipelines.views import Gallery, GalleryItem

CLUSTERS = 12  # images that stayed, of each reason; chosen: three rows on a wide screen
DROPPED = 3  # of one image that stayed; chosen: with it, they fit beside each other
EDGE = 160  # px of the longer edge as shown; chosen: marks and borders can be seen, 30 kB each


def galleries(folder: StageFolder, manifest: Manifest, config: DedupeConfig) -> list[Gallery]:
    """For each reason, images that stayed beside some that were dropped for them.

    Args:
        folder: of the finished stage.
        manifest: of it.
        config: with which it ran.
    """
    rejected = read_rejected(folder, manifest, ["key", "reason", "measured", "detail"])
    places = _Places(folder, config)
    found = []
    for reason in REASONS:
        dropped = rejected.filter(pc.equal(rejected["reason"], reason))
        if items := list(_items(dropped, places)):
            found.append(Gallery(_title(reason), _ABOUT, items))
    return found


_IMAGE = re.compile(rf"[0-9a-f]{{{IMAGE_DIGITS}}}")
_ABOUT = (
    "On the left the image that stayed, then up to three that were dropped for it, with the value "
    "measured of each. A mark says that the image that stayed is one of a finished run."
)


def _title(reason: str) -> str:
    return f"Duplicates beside the image that stayed: {reason}"


class _Places:
    """Where the images of a run, and of the finished runs that it was compared with, are stored."""

    def __init__(self, folder: StageFolder, config: DedupeConfig) -> None:
        root = folder.url.rpartition("/")[0]
        self._folders = {"": RunFolder(root, folder.num_shards).stage(IMAGES)}
        for name, url in config.finished_runs.items():
            try:
                self._folders[name] = open_run(url).images
            except FinishedRunError:  # it is gone, and what it kept cannot be shown
                continue

    def image(self, name: str) -> bytes | None:
        """An image as a rejection names it, small; None where it is no longer there."""
        digits, _, run = name.partition(" of ")
        if run not in self._folders or not _IMAGE.fullmatch(digits):  # it was removed for good
            return None
        try:
            stored = _stored_image(self._folders[run], digits)
        except UnreadableShardError:  # its rows were freed
            return None
        return None if stored is None else _small(stored)


def _items(dropped: pa.Table, places: _Places) -> Iterator[GalleryItem]:
    """The first clusters of which an image is there."""
    winners = pc.unique(dropped["detail"]).sort()
    for winner in winners.slice(0, CLUSTERS).to_pylist():
        mine = dropped.filter(pc.equal(dropped["detail"], winner))
        rows = {image_of(row["key"]): row for row in mine.slice(0, 64).to_pylist()}
        shown = {f"stayed: {winner}": places.image(winner)}
        for image, row in [*rows.items()][:DROPPED]:
            shown[f"dropped: {image}, measured {row['measured']:g}"] = places.image(image)
        if images := {label: image for label, image in shown.items() if image is not None}:
            measured = ", ".join(f"{row['measured']:g}" for row in [*rows.values()][:DROPPED])
            caption = f"{len(mine):,} rows dropped for {winner}; measured {measured}"
            yield GalleryItem(caption, images, is_marked=len(winner) > IMAGE_DIGITS)


def _stored_image(folder: StageFolder, image: str) -> bytes | None:
    """The bytes of one image, of which one row group is read."""
    url = folder.part(shard_of(image, folder.num_shards))
    for number, known in enumerate(read_ranges(url, "key")):
        if known is None or not image_of(known[0]) <= image <= image_of(known[1]):
            continue
        table = read_row_group(url, number, ["key", "image"])
        row = table.slice(rows_below(table, image), 1).to_pylist()
        if row and image_of(row[0]["key"]) == image:
            return bytes(row[0]["image"])
    return None


def _small(stored: bytes) -> bytes:
    shown = Image.fromarray(from_stored(stored))
    shown.thumbnail((EDGE, EDGE))
    content = io.BytesIO()
    shown.save(content, "PNG")
    return content.getvalue()
