"""Photographs and patches of faces, as packages bring them."""

from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dalle_model.pixels import Rgb

# Without a face and without writing, as looked at.
_SKIMAGE = (
    *("brick.png", "cell.png", "chelsea.png", "coffee.png", "coins.png", "grass.png"),
    *("gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "rocket.jpg"),
)
_SKLEARN = ("china.jpg", "flower.jpg")
_PORTRAITS = ("astronaut.png", "camera.png")
PER_KIND = 100  # patches of faces, and of none


def photographs() -> list[Rgb]:
    """Photographs of no face and no text."""
    paths = [_file("scikit-image", f"skimage/data/{name}") for name in _SKIMAGE]
    paths += [_file("scikit-learn", f"sklearn/datasets/images/{name}") for name in _SKLEARN]
    return [_read(path) for path in paths]


def portraits() -> list[Rgb]:
    """Photographs of one face each."""
    return [_read(_file("scikit-image", f"skimage/data/{name}")) for name in _PORTRAITS]


def patches() -> tuple[list[Rgb], list[Rgb]]:
    """100 faces of Labeled Faces in the Wild, and 100 patches of none, 25 x 25 px, grey.

    Source: scikit-image's `lfw_subset.npy`, whose first half are faces.
    """
    grey = np.load(_file("scikit-image", "skimage/data/lfw_subset.npy"))
    all_of_them = [_three_channels(patch) for patch in np.rint(grey * 255).astype(np.uint8)]
    return all_of_them[:PER_KIND], all_of_them[PER_KIND:]


def _three_channels(grey: NDArray[np.uint8]) -> Rgb:
    return np.repeat(grey[..., None], 3, axis=2)


def _file(package: str, path: str) -> Path:
    return Path(str(distribution(package).locate_file(path)))


def _read(path: Path) -> Rgb:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
