"""The three sparse attention masks over the stream of text and image tokens."""

from enum import StrEnum

import torch
from torch import Tensor

# Shape letters: T text positions, G grid side, I = G * G image positions, S = T + I.


class MaskKind(StrEnum):
    """Which of the image tokens before it an image token attends to."""

    ROW = "row"
    COLUMN = "column"
    CONVOLUTION = "convolution"


def layer_kinds(layers: int) -> list[MaskKind]:
    """The mask of each layer, first to last.

    Source: Ramesh et al. 2021, appendix B.1: with i counted from 1, the last layer is
    convolutional, another is column where (i - 2) mod 4 = 0, and row otherwise.
    """
    kinds = [
        MaskKind.COLUMN if (layer - 2) % 4 == 0 else MaskKind.ROW for layer in range(1, layers)
    ]
    return [*kinds, MaskKind.CONVOLUTION]


def image_mask(kind: MaskKind, grid: int, kernel: int) -> Tensor:
    """Which image tokens (columns) each image token (row) attends to, itself included.

    Args:
        kind: row, column or convolution.
        grid: tokens along one edge.
        kernel: edge of the convolution's window, in tokens; odd.

    Returns:
        bool `(I, I)`, lower triangular, raster order.

    Source: Ramesh et al. 2021, figure 11. Row and convolution wrap around the image's edge.
    """
    position_I = torch.arange(grid * grid)
    distance_II = position_I[:, None] - position_I[None, :]
    if kind is MaskKind.COLUMN:
        return (distance_II >= 0) & (distance_II % grid == 0)
    if kind is MaskKind.ROW:
        return (distance_II >= 0) & (distance_II <= grid)
    return torch.isin(distance_II, torch.tensor(window_distances(grid, kernel)))


def stream_mask(kind: MaskKind, text_len: int, grid: int, kernel: int) -> Tensor:
    """Which stream positions (columns) each position (row) attends to.

    Text attends to the text before it; an image token attends to every text position, and to image
    tokens as in `image_mask`.

    Returns:
        bool `(S, S)`, lower triangular.
    """
    position_S = torch.arange(text_len + grid * grid)
    mask_SS = position_S[:, None] >= position_S[None, :]
    mask_SS[text_len:, text_len:] = image_mask(kind, grid, kernel)
    return mask_SS


def column_major(grid: int) -> Tensor:
    """Raster positions in the order of columns, int64 `(I,)`; it is its own inverse."""
    return torch.arange(grid * grid).view(grid, grid).T.flatten()


def window_distances(grid: int, kernel: int) -> list[int]:
    """Raster distances to the tokens in the upper half of a centred window, itself included."""
    if kernel % 2 == 0:
        raise ValueError(f"the convolution's kernel must be odd to have a centre, got {kernel}")
    reach = kernel // 2
    rows_above = [
        up * grid + back for up in range(1, reach + 1) for back in range(-reach, reach + 1)
    ]
    return [distance for distance in [*range(reach + 1), *rows_above] if distance >= 0]
