"""Which image of a gallery is nearest to another one, by squared pixel distance."""

import numpy as np
import numpy.typing as npt

from dalle_model.pixels import Rgb

# Shape letters: N images, M images of the gallery.

BLOCK = 256  # chosen: rows of distances held in memory at a time


class Gallery:
    """Images that others are compared with.

    Distances are exact: they are sums of squared bytes, integers that a float64 holds.

    Args:
        images: uint8 `(M, side, side, 3)`, M >= 1; in memory they take eight times as much.

    Raises:
        ValueError: there are none.
    """

    def __init__(self, images: Rgb) -> None:
        if len(images) == 0:
            raise ValueError("no image can be compared with a gallery of none")
        self._shape = images.shape[1:]
        self._flat = images.reshape(len(images), -1).astype(np.float64)
        self._squares = np.square(self._flat).sum(axis=1)

    def nearest(self, images: Rgb) -> npt.NDArray[np.int64]:
        """For each image, the index of the nearest one; ties go to the lowest index.

        Args:
            images: uint8 `(N, side, side, 3)`.

        Returns:
            int64 `(N,)`, each in 0..M - 1.

        Raises:
            ValueError: they are of another size.
        """
        if images.shape[1:] != self._shape:
            raise ValueError(f"images {images.shape[1:]} cannot be compared with {self._shape}")
        blocks = np.split(images, range(BLOCK, len(images), BLOCK))
        return np.concatenate([self._of_block(block) for block in blocks]).astype(np.int64)

    def _of_block(self, block: Rgb) -> npt.NDArray[np.intp]:
        products = block.reshape(len(block), -1).astype(np.float64) @ self._flat.T
        # |a|^2 is the same for the whole gallery, so it does not decide
        return np.asarray(np.argmin(self._squares - 2 * products, axis=1))


def nearest(images: Rgb, gallery: Rgb) -> npt.NDArray[np.int64]:
    """Like `Gallery.nearest`, where a gallery is used once."""
    return Gallery(gallery).nearest(images)
