"""The views of images, read off the columns `sketch` and `thumbnail` of the images stage."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.sameness.hashes import SKETCH_BYTES, SKETCH_VALUES, THUMBNAIL_BYTES

Ints = npt.NDArray[np.int64]


class Views(NamedTuple):
    """Views of images: the images themselves, and what is inside their borders.

    Args:
        rows: `(n,)`: the image of each view, by its place among those that were asked for.
        numbers: `(n,)`: which view of its image it is; 0 for the image itself.
        values: int8 `(n, 24)`: the sketch.
        reach: int8 `(n,)`: how far a crop at a corner moves the sketch.
        aspect: int8 `(n,)`: width over height, in hundredths of a natural logarithm.
        phash: uint64 `(n,)`.
    """

    rows: Ints
    numbers: Ints
    values: npt.NDArray[np.int8]
    reach: npt.NDArray[np.int8]
    aspect: npt.NDArray[np.int8]
    phash: npt.NDArray[np.uint64]


def unpack_views(sketches: pa.ChunkedArray, rows: Ints) -> Views:
    """The views of some rows of the column `sketch`, those of a row side by side.

    Args:
        sketches: as `pipelines.sameness.hashes.describe` makes them.
        rows: `(images,)`: numbers of rows, in any order.
    """
    content, offsets = _binary(sketches)
    counts = (offsets[rows + 1] - offsets[rows]) // SKETCH_BYTES
    of = np.repeat(np.arange(len(rows)), counts)
    numbers = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = offsets[rows[of]] + numbers * SKETCH_BYTES
    packed = np.ascontiguousarray(content[starts[:, None] + np.arange(SKETCH_BYTES)])
    hashes = np.ascontiguousarray(packed[:, SKETCH_VALUES + 2 :]).view(">u8").ravel()
    return Views(
        rows=of,
        numbers=numbers,
        values=packed[:, :SKETCH_VALUES].view(np.int8),
        reach=packed[:, SKETCH_VALUES].view(np.int8),
        aspect=packed[:, SKETCH_VALUES + 1].view(np.int8),
        phash=hashes.astype(np.uint64),
    )


def unpack_thumbnails(
    thumbnails: pa.ChunkedArray, rows: Ints, numbers: Ints
) -> npt.NDArray[np.uint8]:
    """Thumbnails `(n, 768)`, RGB in raster order.

    Args:
        thumbnails: the column, as `pipelines.sameness.hashes.describe` makes it.
        rows: `(n,)`: the row of each view wanted.
        numbers: `(n,)`: which view of its row it is.
    """
    content, offsets = _binary(thumbnails)
    starts = offsets[rows] + numbers * THUMBNAIL_BYTES
    return np.asarray(content[starts[:, None] + np.arange(THUMBNAIL_BYTES)])


def _binary(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.uint8], Ints]:
    """The bytes of a binary column, and where each value starts, and the last one ends."""
    array = column.cast(pa.large_binary()).combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = (
            pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.large_binary())
        )
    _, offsets, content = array.buffers()
    starts = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(content or b"", np.uint8), starts
