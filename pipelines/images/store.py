"""How images are stored, as `images.store` names it; `dalle_model.pixels.from_stored` reads all."""

from collections.abc import Callable

import numpy as np

from dalle_model import png
from dalle_model.pixels import Rgb
from pipelines.images.config import Store

# Chosen: at 256 px 39 to 41 dB from the pixels, in a third of the bytes of a PNG. Colour is not
# subsampled, since an image is encoded to tokens from what is stored.
JPEG_QUALITY, JPEG_SUBSAMPLING = 95, "444"


def to_jpeg(rgb: Rgb) -> bytes:
    """Encode as JPEG without metadata; equal pixels give equal bytes with one build of libjpeg."""
    import simplejpeg

    pixels = np.ascontiguousarray(rgb)
    encoded = simplejpeg.encode_jpeg(pixels, JPEG_QUALITY, "RGB", JPEG_SUBSAMPLING)
    return bytes(encoded)


STORES: dict[Store, Callable[[Rgb], bytes]] = {"png": png.encode, "jpeg": to_jpeg}
