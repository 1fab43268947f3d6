"""Images in memory as batches: each epoch has every image once, shifted and mirrored at random.

What is done to an image depends on the seed, the epoch and the image alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dalle_model.data.order import FullOrder, places
from dalle_model.data.permutation import Integers, key_of
from dalle_model.data.reader import Batch, steps
from dalle_model.pixels import Rgb

# Shape letters: N images, B batch, S side in pixels.


@dataclass
class DrawnImages:
    """Batches of images; `dalle_model.train.task.Batches`.

    Args:
        rgb: uint8 `(N, S, S, 3)`.
        batch_size: B.
        max_shift: largest shift along each axis, in pixels, with the edge repeated.
        seed: of order, shifts and flips.
    """

    rgb: Rgb
    batch_size: int
    max_shift: int
    seed: int
    position: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[Batch]:
        """Batches without end, whose `image` is uint8 `(B, S, S, 3)`."""
        for step in steps(self.position, self.batch_size):
            yield self._batch(step.positions) | {"next_position": step.next_position}

    def load_state_dict(self, state: Any) -> None:
        """Begin at `{"position": images}`."""
        self.position = state["position"]

    def first(self, count: int) -> Tensor:
        """The first images of the sequence, uint8 `(count, S, S, 3)`."""
        image: Tensor = self._batch(range(count))["image"]
        return image

    def _batch(self, positions: range) -> Batch:
        place = places(FullOrder(len(self.rgb), self.seed), list(positions))
        moved = [self._moved(*at) for at in zip(*map(np.ndarray.tolist, place), strict=True)]
        epochs, rows = map(torch.from_numpy, place)
        keys = [f"image {row}" for row in place.rows]
        image_BSS3 = torch.from_numpy(np.stack(moved))
        return {"key": keys, "image": image_BSS3, "row": rows, "epoch": epochs}

    def _moved(self, epoch: int, row: int) -> Rgb:
        rng = np.random.default_rng(key_of("shift and flip", self.seed, epoch, row))
        is_mirrored = rng.random() < 0.5
        down, right = rng.integers(-self.max_shift, self.max_shift, 2, endpoint=True)
        image = self.rgb[row]
        if is_mirrored:
            image = image[:, ::-1]
        moved: Rgb = image[np.ix_(_places(len(image), down), _places(image.shape[1], right))]
        return moved


def _places(side: int, shift: int) -> Integers:
    """Where each pixel of an edge comes from."""
    return np.clip(np.arange(side) + shift, 0, side - 1)
