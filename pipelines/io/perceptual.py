"""The 64-bit perceptual hash that tables and lists of others hold, bit for bit.

It is not the `phash` of this project's own rows (`pipelines.sameness.hashes`), which gives no bit
to rounding noise: of drawings, one in twelve differs between the two in more than 8 bits.
"""

import numpy as np
from PIL import Image

# Source: JohannesBuchner/imagehash `imagehash/__init__.py`, `phash`, with its defaults: the 8x8
# lowest frequencies of the DCT-II of the grey image at 32x32, each above their median or not.
_EDGE, _GREY_EDGE = 8, 32

# Integer cosines make every sum exact, so that processors do not differ.
_COSINES = np.round(
    np.cos(
        np.pi
        * np.arange(_EDGE)[:, None]
        * (2 * np.arange(_GREY_EDGE)[None, :] + 1)
        / (2 * _GREY_EDGE)
    )
    * (1 << 20)
).astype(np.int64)


def imagehash_phash(image: Image.Image) -> int:
    """The hash that imagehash's `phash` gives; its hexadecimal form has 16 digits."""
    grey = image.convert("L").resize((_GREY_EDGE, _GREY_EDGE), Image.Resampling.LANCZOS)
    low = (_COSINES @ np.asarray(grey, np.int64) @ _COSINES.T).ravel()
    middle = np.sort(low)[low.size // 2 - 1 : low.size // 2 + 1]
    return int.from_bytes(np.packbits(2 * low > middle.sum()).tobytes(), "big")
