"""Aspect buckets: shapes of about one number of pixels, of which an image is given the nearest.

So almost all of an image is encoded, whatever its aspect, at about the cost of the codec's square.

Source: NovelAI/novelai-aspect-ratio-bucketing, README: for each width the largest height within a
number of pixels, and the same the other way round; an image goes where its aspect differs least.
"""

from collections.abc import Sequence
from math import isqrt

from dalle_model.cuts import Shape

# Of the square whose pixels a bucket does not exceed, an edge in so many steps.
# Source: Podell et al. 2023, SDXL, appendix I: 1,024 px in steps of 64.
_STEPS = 16
# Source: as above, aspects of 1:4 to 4:1. Chosen: half of it, 13 shapes of 256 px in place of 33,
# each of which ends a shard with a batch that is not full. Few pictures are longer.
MAX_ASPECT = 2.0


def bucket_shapes(
    image_shape: Shape, patch: Shape, max_aspect: float = MAX_ASPECT
) -> tuple[Shape, ...]:
    """The shapes that a codec encodes, in place of its one.

    Args:
        image_shape: height and width of that one, in pixels; no bucket has more pixels.
        patch: height and width of what a token covers, of which each edge is a multiple.
        max_aspect: longer by shorter edge of a bucket, at most; 1 or more.

    Returns:
        Heights and widths, sorted; the codec's own is always among them.
    """
    pixels = image_shape[0] * image_shape[1]
    down, across = (_step(pixels, edge) for edge in patch)
    by_height = {(h, _largest(pixels, h, across)) for h in _edges(pixels, down, max_aspect)}
    by_width = {(_largest(pixels, w, down), w) for w in _edges(pixels, across, max_aspect)}
    found = by_height | by_width
    allowed = {shape for shape in found if min(shape) and aspect(shape) <= max_aspect}
    return tuple(sorted(allowed | {image_shape}))


def nearest(shapes: Sequence[Shape], width: int, height: int) -> Shape:
    """The bucket that keeps most of an image's pixels; of equal ones the largest.

    An image stored with the codec's side or more holds it, as no bucket has more pixels than the
    codec's square. A smaller one may not: then it is dropped, as of the other views. Of the 33,540
    sizes of 170 to 559 by 170 to 255 px, another bucket than the nearest would save 43.

    Args:
        shapes: of `bucket_shapes`.
        width: of the image, in any unit.
        height: likewise.
    """

    def kept(shape: Shape) -> tuple[float, int, Shape]:
        one, other = shape[0] * width, shape[1] * height
        return min(one, other) / max(one, other), shape[0] * shape[1], shape

    return max(shapes, key=kept)


def aspect(shape: Shape) -> float:
    """Longer by shorter edge, 1 or more."""
    return max(shape) / min(shape)


def _step(pixels: int, patch: int) -> int:
    """A multiple of the patch, of about a sixteenth of the square's edge."""
    return max(1, isqrt(pixels) // _STEPS // patch) * patch


def _edges(pixels: int, step: int, max_aspect: float) -> range:
    """Whole steps, up to the longer edge of the longest bucket."""
    return range(step, isqrt(int(pixels * max_aspect)) + 1, step)


def _largest(pixels: int, edge: int, step: int) -> int:
    """Whole steps of the other edge; 0 where not even one goes in."""
    return pixels // edge // step * step
