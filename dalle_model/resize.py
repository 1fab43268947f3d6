"""Scaling down: the filters that images can be scaled by before they are encoded.

A codec has seen the images of one filter in training, so it names that filter, and the images that
it encodes are scaled by it. What is random in training may be scaled by `area`, as in the paper.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from dalle_model.config import FIRST_RESAMPLE, Resample
from dalle_model.pixels import Rgb, crop_box

Filter = Resample | Literal["area"]


def resize(rgb: Rgb, width: int, height: int, resample: Filter) -> Rgb:
    """Scale an image down, averaging over all pixels that one of the result covers.

    `lanczos` is Pillow's, over three pixels of the result to each side; `bicubic` is torch's for
    bytes, with a = -0.5, over two: less sharp by a hair, and four times as fast; `area` is the mean
    of the rectangle that a pixel of the result covers, of whose edges fractions count.

    Args:
        rgb: uint8 `(height, width, 3)`.
        width: of the result, in pixels.
        height: of the result, in pixels.
        resample: the filter.

    Returns:
        uint8 `(height, width, 3)`, 0..255.
    """
    if resample == "lanczos":
        image = Image.fromarray(rgb)
        return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
    if resample == "area":
        return np.rint(_means(_means(rgb, height, 0), width, 1)).astype(np.uint8)
    return _bicubic(rgb, width, height)


def rectangle(rgb: Rgb, shape: tuple[int, int], resample: Resample = FIRST_RESAMPLE) -> Rgb:
    """Crop the largest centred rectangle of some aspect and scale it down.

    Args:
        rgb: uint8 `(height, width, 3)`.
        shape: height and width of the result, in pixels.
        resample: the filter.

    Returns:
        uint8 `(*shape, 3)`: RGB, 0..255, row 0 on top.

    Raises:
        ValueError: an edge is shorter than that of `shape`; images are never scaled up.

    Source: openai/DALL-E `notebooks/usage.ipynb`, `preprocess`: centre crop.
    """
    height, width, _ = rgb.shape
    if height < shape[0] or width < shape[1]:
        needed = f"each edge needs {shape[0]} px"
        if shape[0] != shape[1]:
            needed = f"needs {shape[1]}x{shape[0]} px"
        raise ValueError(f"image is {width}x{height} px, {needed}")
    left, top, right, bottom = crop_box(width, height, shape)
    cropped = rgb[top:bottom, left:right]
    if cropped.shape[:2] == shape:
        return cropped
    return resize(cropped, shape[1], shape[0], resample)


def square(rgb: Rgb, side: int, resample: Resample = FIRST_RESAMPLE) -> Rgb:
    """The `rectangle` whose height and width are `side`; raises as it does."""
    return rectangle(rgb, (side, side), resample)


def centred(rgb: Rgb) -> Rgb:
    """The largest centred square of an image; a view of its pixels."""
    height, width, _ = rgb.shape
    left, top, right, bottom = crop_box(width, height)
    return rgb[top:bottom, left:right]


def _bicubic(rgb: Rgb, width: int, height: int) -> Rgb:
    import torch  # a second, for those alone who scale by it
    from torch.nn import functional

    from dalle_model.threads import torch_threads

    # torch takes neither memory that is read only nor rows that run backwards
    own = np.require(rgb, requirements=["W"] if min(rgb.strides) > 0 else ["C", "W"])
    bytes_1CHW = torch.from_numpy(own).permute(2, 0, 1)[None]
    with torch_threads(1):
        small_1CHW = functional.interpolate(
            bytes_1CHW, (height, width), mode="bicubic", antialias=True
        )
    red, green, blue = small_1CHW[0].numpy()
    return np.stack([red, green, blue], -1)  # a fifth of the time of torch's own transposition


def _means(values: npt.NDArray[Any], length: int, axis: int) -> npt.NDArray[np.float64]:
    """Means of equal intervals along an axis: differences of the running sum at their ends."""
    whole = values.shape[axis]
    ends = np.arange(length + 1) * whole / length
    before = np.minimum(ends.astype(np.int64), whole - 1)
    shape = [1] * values.ndim
    shape[axis] = -1
    sums = np.cumsum(values, axis, dtype=np.float64)  # the first ones are whole, and so exact
    own = values.take(before, axis)
    at_ends = sums.take(before, axis) - own * (1 - (ends - before)).reshape(shape)
    return np.asarray(np.diff(at_ends, axis=axis) * (length / whole))
