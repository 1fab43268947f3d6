"""What later stages compare in place of pixels: hashes, and views of an image in a few bytes.

A view is the image, or what is inside its plain border, as 16x16 cells and as a sketch: its lowest
frequencies, which scaling, recompression, a watermark and a small crop change little. All sums are
of integers that float arithmetic holds exactly, so no bit depends on the processor or on a BLAS.
"""

from functools import lru_cache
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt

from dalle_model.pixels import Rgb

# Source: JohannesBuchner/imagehash `imagehash/__init__.py`, `phash`: `hash_size` 8 and
# `highfreq_factor` 4.
HASH_EDGE = 8
GREY_EDGE = 32

THUMBNAIL_EDGE = 16  # cells; chosen with `pipelines.sameness.likeness`
THUMBNAIL_BYTES = THUMBNAIL_EDGE**2 * 3  # of a view: RGB in raster order
SKETCH_VALUES = 24  # frequencies
SKETCH_BYTES = SKETCH_VALUES + 10  # of a view: its reach and its aspect, all int8; its `phash`

# The frequencies of a sketch, as (vertical, horizontal), and how many grey levels are one unit: an
# eighth of their standard deviation over 400 photographs and 700 drawings of openclipart 0.18.
GREY_UNITS = {
    (0, 0): 6.9, (0, 1): 2.1, (1, 0): 3.0, (0, 2): 1.4, (1, 1): 1.1, (2, 0): 2.5,
    (0, 3): 1.1, (1, 2): 0.9, (2, 1): 0.9, (3, 0): 1.6, (2, 2): 0.65, (0, 4): 0.7,
}  # fmt: skip
COLOUR_UNITS = (
    {(0, 0): 2.9, (0, 1): 1.0, (0, 2): 1.0, (1, 0): 1.25, (1, 1): 0.4, (2, 0): 1.0},
    {(0, 0): 2.75, (0, 1): 1.25, (0, 2): 0.9, (1, 0): 1.4, (1, 1): 0.45, (2, 0): 1.0},
)
# Source: ITU-R BT.601 (as JPEG): grey, blue less grey, red less grey; of red, green and blue.
_COLOURS = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]])
REACH_CROP = 0.05  # of an edge: the reach is how far such a crop moves a sketch
ASPECT_UNITS = 100  # of a natural logarithm of width over height: one unit is 1 %

# A border is what differs from the corners by no more than JPEG noise does. Chosen by hand; with
# it, 98 % and more of the copies with a border are found (`docs/benchmarks.md`).
_BORDER_TOLERANCE = 24
_BORDERS = 3  # one inside the other: a frame around a drawing on white has two
_MANY_ROWS = 192  # from which on rows are added up by fours first, for speed: six to a cell
_LEAST_CONTENT = 16  # pixels: of a smaller content, cells would be copies of pixels

# Integer cosines make every sum exact, so a coefficient close to the median falls on the same side
# of it on every processor.
_COSINE_SCALE = 1 << 20

# A frequency weaker than a quarter of a grey level is rounding noise. Chosen: a symmetric drawing
# has nothing else in half of its frequencies, and the sign of noise is random. A wave with an
# amplitude of one grey level sums to 256 over 32x32 points.
_NOISE = 64 * _COSINE_SCALE**2

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels
Cells = npt.NDArray[np.int64]  # (edge, edge, 3), 0..255


def describe(stored: Rgb) -> dict[str, Any]:
    """The columns that later stages compare: `phash`, `sketch` and `thumbnail`.

    Args:
        stored: uint8 `(h, w, 3)`, as it is stored.

    Returns:
        `phash`: the 64-bit hash; `sketch` and `thumbnail`: `SKETCH_BYTES` and `THUMBNAIL_BYTES`
        for each view: the image, then its content where a border was found.
    """
    height, width, _ = stored.shape
    whole = (0, 0, width, height)
    cells = mean_cells(stored, whole)
    views = [(cells, width / height)]
    inner = content_box(stored)
    if inner != whole:
        left, top, right, bottom = inner
        aspect = (right - left) / (bottom - top)
        views.append((mean_cells(stored, inner), aspect))
    return {
        "phash": _phash(cells),
        "sketch": b"".join(sketch(of_view, aspect) for of_view, aspect in views),
        "thumbnail": b"".join(thumbnail(of_view).tobytes() for of_view, _ in views),
    }


def phash(rgb: Rgb) -> int:
    """A 64-bit hash that resizing and recompression change in few bits.

    One bit for each of the 8x8 lowest frequencies in the DCT-II of the 32x32 grey image: whether it
    lies clearly above their median; first row first, highest bit first.

    Source: as `HASH_EDGE`; the mean of each cell in place of Lanczos, the integers and the margin
    for noise are ours.
    """
    return _phash(mean_cells(rgb, (0, 0, rgb.shape[1], rgb.shape[0])))


def content_box(rgb: Rgb) -> Box:
    """What is inside a border of one colour; the whole image where there is none."""
    box = (0, 0, rgb.shape[1], rgb.shape[0])
    for _ in range(_BORDERS):
        inner = _inside_border(rgb, box)
        if inner == box or min(inner[2] - inner[0], inner[3] - inner[1]) < _LEAST_CONTENT:
            break
        box = inner
    return box


def mean_cells(rgb: Rgb, box: Box) -> Cells:
    """The mean colours of 32x32 equal cells of a part of an image, rounded."""
    left, top, right, bottom = box
    rows = rgb[top:bottom, left:right].reshape(bottom - top, -1)
    grouped = len(rows) >= _MANY_ROWS
    down, across = _weights(len(rows), 14, 4 if grouped else 1), _weights(right - left, 10, 1)
    lines = _by_fours(rows) if grouped else rows.astype(np.float32)
    sums = np.rint((down @ lines) / 256)  # 64ths of a level
    sideways = np.ascontiguousarray(sums.reshape(GREY_EDGE, right - left, 3).transpose(0, 2, 1))
    means = np.rint((sideways.reshape(-1, right - left) @ across.T) / (1 << 16))
    return means.reshape(GREY_EDGE, 3, GREY_EDGE).transpose(0, 2, 1).astype(np.int64)


def thumbnail(cells: Cells) -> Rgb:
    """The same as 16x16 cells."""
    pairs = cells.reshape(THUMBNAIL_EDGE, 2, THUMBNAIL_EDGE, 2, 3)
    sums = pairs[:, 0, :, 0] + pairs[:, 0, :, 1] + pairs[:, 1, :, 0] + pairs[:, 1, :, 1]
    return np.asarray((sums + 2) >> 2, np.uint8)


def sketch(cells: Cells, aspect: float) -> bytes:
    """What is compared first: `SKETCH_BYTES` of a view.

    Args:
        cells: of the view.
        aspect: its width over its height.

    Returns:
        Its lowest frequencies in units of their spread; its reach, which is how far, in the same
        units, a crop at a corner moves them; its aspect; its hash, big-endian.
    """
    small = thumbnail(cells).ravel().astype(np.float64)
    found = (_sketches() @ small).reshape(5, -1)
    values, moved = found[0], found[1:] - found[0]  # the four: cut on the left, top, right, bottom
    corners = moved[[0, 0, 2, 2]] + moved[[1, 3, 1, 3]]
    reach = np.sqrt((corners**2).sum(axis=1).max()) / _SKETCH_SCALE
    numbers = [*np.rint(values / _SKETCH_SCALE), np.ceil(reach), round(log(aspect) * ASPECT_UNITS)]
    packed: bytes = np.clip(numbers, -127, 127).astype(np.int8).tobytes()
    return packed + _phash(cells).to_bytes(8, "big")


def _phash(cells: Cells) -> int:
    grey = (cells @ np.array([19595, 38470, 7471]) + (1 << 15)) >> 16  # as Pillow's "L"
    low = (_COSINES @ grey @ _COSINES.T).ravel()
    median = np.partition(low, low.size // 2 - 1)[low.size // 2 - 1]
    return int.from_bytes(np.packbits(low > median + _NOISE).tobytes(), "big")


def _inside_border(rgb: Rgb, box: Box) -> Box:
    left, top, right, bottom = box
    part = rgb[top:bottom, left:right]
    corners = part[[0, 0, -1, -1], [0, -1, 0, -1]].astype(np.int16)
    colour = np.sort(corners, axis=0)[1]
    if (np.abs(corners - colour).max(axis=1) <= _BORDER_TOLERANCE).sum() < 2:
        return box
    line = np.tile(colour.astype(np.uint8), right - left)
    flat = part.reshape(bottom - top, -1)
    differs = np.maximum(flat, line) - np.minimum(flat, line) > _BORDER_TOLERANCE
    rows = np.flatnonzero(differs.any(axis=1))
    columns = np.flatnonzero(differs.any(axis=0).reshape(-1, 3).any(axis=1))
    if not len(rows):
        return box
    return (left + int(columns[0]), top + int(rows[0]),
            left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)  # fmt: skip


def _by_fours(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Sums of four rows each, then the rows that remain."""
    whole = len(rows) // 4 * 4
    sums = rows[0:whole:4].astype(np.uint16)
    for offset in (1, 2, 3):
        sums += rows[offset:whole:4]
    return np.concatenate([sums, rows[whole:]]).astype(np.float32)


@lru_cache(maxsize=1024)
def _weights(size: int, bits: int, group: int) -> npt.NDArray[np.float32]:
    """Shares of the groups of `size` pixels in 32 cells, as integers that sum up to 2**bits.

    Args:
        size: pixels along the edge.
        bits: of the sum; products with it stay below 2**24, which float32 holds exactly.
        group: pixels that come as one sum; those that remain come one by one.
    """
    whole = size // group * group
    starts = np.concatenate([np.arange(0, whole, group), np.arange(whole, size)])
    ends = np.append(starts[1:], size)
    edges = np.linspace(0, size, GREY_EDGE + 1)
    overlap = np.minimum(edges[1:, None], ends) - np.maximum(edges[:-1, None], starts)
    shares = overlap.clip(0) * GREY_EDGE / size / (ends - starts)
    weights = np.floor(shares * (1 << bits))
    lengths = ends - starts
    missing = (1 << bits) - weights @ lengths
    largest = weights.argmax(axis=1)
    weights[np.arange(GREY_EDGE), largest] += missing // lengths[largest]
    return np.asarray(weights, np.float32)


def _cosines(num_frequencies: int, edge: int) -> npt.NDArray[np.float64]:
    frequency, position = np.arange(num_frequencies)[:, None], np.arange(edge)[None, :]
    return np.cos(np.pi * frequency * (2 * position + 1) / (2 * edge))


_COSINES = np.asarray(np.round(_cosines(HASH_EDGE, GREY_EDGE) * _COSINE_SCALE), np.int64)
_SKETCH_SCALE = 1 << 20  # of the integers below; 768 products with 255 stay below 2**53


@lru_cache(maxsize=1)
def _sketches() -> npt.NDArray[np.float64]:
    """Integers `(5 * 24, 768)` that make a sketch: of a thumbnail, and of each side cut off."""
    edge, cut = THUMBNAIL_EDGE, REACH_CROP
    planes = (GREY_UNITS, *COLOUR_UNITS)
    cosines = _cosines(5, edge)
    waves = [
        np.einsum("v,h,c->vhc", cosines[v], cosines[h], colour) * (2 if v or h else 1) / edge**2 / u
        for units, colour in zip(planes, _COLOURS, strict=True)
        for (v, h), u in units.items()
    ]
    whole, first, last = resampling(0, 0), resampling(cut, 0), resampling(0, cut)
    cuts = [(whole, whole), (whole, first), (first, whole), (whole, last), (last, whole)]
    rows = [np.einsum("yv,xh,yxc->vhc", y, x, w, optimize=True) for y, x in cuts for w in waves]
    return np.round(np.array(rows).reshape(len(rows), -1) * _SKETCH_SCALE)


def resampling(first: float, last: float) -> npt.NDArray[np.float64]:
    """`(16, 16)`: cells of a thumbnail to those of a part, between them linear.

    Args:
        first: share of the edge that is cut off at its start.
        last: the same at its end.
    """
    edge = THUMBNAIL_EDGE
    centres = (first + (np.arange(edge) + 0.5) / edge * (1 - first - last)) * edge - 0.5
    apart = np.abs(centres.clip(0, edge - 1)[:, None] - np.arange(edge))
    return np.asarray(np.maximum(0, 1 - apart))
