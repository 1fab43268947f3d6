"""Which image of a gallery is nearest to a sample, by squared pixel distance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalle_model.pixels import Rgb

Indices = npt.NDArray[np.int64]
BLOCK = 256  # chosen: rows of distances held at a time


@dataclass(frozen=True)
class OwnImageRate:
    """How often a sample lands on the image its caption belongs to.

    Args:
        rate: share of samples whose nearest image is their own, 0..1.
        chance: the same for a blind guess, 1 / gallery.
        samples: how many were judged.
        gallery: how many images they could land on.
    """

    rate: float
    chance: float
    samples: int
    gallery: int


def nearest(images: Rgb, gallery: Rgb) -> Indices:
    """For each image the index of the gallery's nearest one; of equally near ones the first.

    Distances are exact: sums of squares of bytes are whole numbers that a double holds.

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
        # |a|^2 is the same for all of the gallery, so it does not decide
        np.argmin(squares - 2 * (block.reshape(len(block), -1).astype(np.float64) @ flat.T), axis=1)
        for block in np.split(images, range(BLOCK, len(images), BLOCK))
    ]
    return np.concatenate(found).astype(np.int64)


def on_own_image(samples: Rgb, own_index: Indices, gallery: Rgb) -> OwnImageRate:
    """Judge samples by their nearest image.

    Args:
        samples: uint8 `(N, side, side, 3)`, N >= 1.
        own_index: int64 `(N,)`, where in the gallery the image of each sample's caption is.
        gallery: uint8 `(M, side, side, 3)`.

    Raises:
        ValueError: no samples, or another number of indices than of samples.
    """
    if len(samples) == 0 or len(samples) != len(own_index):
        raise ValueError(f"{len(samples)} samples with {len(own_index)} own images")
    return own_image_rate((nearest(samples, gallery) == own_index).tolist(), len(gallery))


def own_image_rate(hits: Sequence[bool], gallery: int) -> OwnImageRate:
    """The rate of samples that are known to have landed on their own image or not.

    Args:
        hits: one for each sample, at least one.
        gallery: how many images they could land on.
    """
    return OwnImageRate(sum(hits) / len(hits), 1 / gallery, len(hits), gallery)
