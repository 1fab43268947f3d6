"""Plain JPEGs by libjpeg-turbo without a copy on the way: the same pixels as Pillow's, sooner.

Whatever is unusual about a file is left to Pillow, which says what is wrong with it: other colours
than YCbCr, grey and RGB, arithmetic codes, and every file of which the decoder has a warning.
"""

from collections.abc import Mapping
from math import ceil

import numpy as np
from PIL import Image

from dalle_model.pixels import Rgb
from pipelines.images.config import ImagesConfig
from pipelines.images.containers import jpeg

try:  # in the extra `data`
    import simplejpeg
except ImportError:
    simplejpeg = None

PLAIN = {0xC0, 0xC1, 0xC2}  # Huffman codes, sequential or progressive. Source: T.81, table B.1
# What the edges of an image are divided by. Of the other eighths that libjpeg knows, each takes as
# long as the next larger of these or longer, and has fewer pixels. Source: libjpeg-turbo
# `jddctmgr.c`: of the inverse transforms below full size, those to 4 and 2 pixels are vectorised.
SCALES = (1, 2, 4, 8)
# What libjpeg calls fast: an error of some grey levels, far below that of decoding at a scale.
_FAST = {"fastdct": True, "fastupsample": True}


def decode(encoded: bytes, image: Image.Image, config: ImagesConfig) -> Rgb | None:
    """Decode a JPEG as stored: not turned, and through no profile.

    Args:
        encoded: the file, untrusted; its size is already found to be allowed.
        image: as Pillow has opened it.
        config: whether it may be decoded at a scale.

    Returns:
        uint8 `(height, width, 3)`, grey as three equal colours. With `decode: scaled`, at the
        smallest of `SCALES` that is not below the size as stored. None where Pillow is to decode
        it, as all where `simplejpeg` is not installed.
    """
    if simplejpeg is None or image.mode not in ("RGB", "L") or jpeg.frame(encoded) not in PLAIN:
        return None
    scale = _scale(min(image.size), config.stored_side) if config.decode == "scaled" else 1
    width, height = (ceil(edge / scale) for edge in image.size)
    options = {"min_height": height, "min_width": width} | _FAST
    return _decode(encoded, image, options if scale > 1 else {})


def _scale(short: int, side: int) -> int:
    return max(scale for scale in SCALES if scale == 1 or ceil(short / scale) >= side)


def _decode(encoded: bytes, image: Image.Image, options: Mapping[str, int]) -> Rgb | None:
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(encoded)
        if (width, height) != image.size:
            return None
        raw: Rgb = simplejpeg.decode_jpeg(encoded, "RGB", **options)
        edge = max(1, round(jpeg.BLOCK_EDGE * raw.shape[1] / width))
        if jpeg.may_be_cut(encoded, raw, "progressive" in image.info, edge):
            filled = jpeg.with_filling(encoded)
            again = simplejpeg.decode_jpeg(filled, "RGB", strict=False, **options)
            if not np.array_equal(raw, again):
                return None
    except ValueError:
        return None
    return raw
