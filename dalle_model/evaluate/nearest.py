"""Which image of a gallery is nearest to another one, by squared pixel distance."""

import numpy as np
import numpy.typing as npt

from dalle_model.pixels import Rgb

# Shape letters: N images, M images of the gallery.

BLOCK = 256  # chosen: rows of distances held in memory at a time


def nearest(images: Rgb, gallery: Rgb) -> npt.NDArray[np.int64]:
    """For each image, the index of the nearest one in the gallery; ties go to the lowest index.

    Distances are exact: they are sums of squared bytes, integers that a float64 holds.

    Args:
        images: uint8 `(N, side, side, 3)`.
        gallery: uint8 `(M, side, side, 3)`, M >= 1.

    Returns:
        int64 `(N,)`, each in 0..M - 1.

    Raises:
        ValueError: the gallery is empty or has images of another size.
    """
    if len(gallery) == 0 or images.shape[1:] != gallery.shape[1:]:
        raise ValueError(f"images {images.shape} cannot be compared with {gallery.shape}")
    flat = gallery.reshape(len(gallery), -1).astype(np.float64)
    squares = np.square(flat).sum(axis=1)
    found = [
        # |a|^2 is the same for the whole gallery, so it does not decide
        np.argmin(squares - 2 * (block.reshape(len(block), -1).astype(np.float64) @ flat.T), axis=1)
        for block in np.split(images, range(BLOCK, len(images), BLOCK))
    ]
    return np.concatenate(found).astype(np.int64)
