"""Batches of squares to train a codec on, in an order: all of it a function of positions."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from dalle_model.data.augment import Augmentation
from dalle_model.data.image_file import ImageFile, Keys
from dalle_model.data.order import FullOrder, places
from dalle_model.data.permutation import Integers
from dalle_model.data.reader import Batch, Step
from dalle_model.pixels import Rgb

HELD_OUT_DIGIT = "f"  # chosen: one image in 16; images added to a run later move no other one


def held_out(keys: Keys) -> npt.NDArray[np.bool_]:
    """Whether each image is held out, which its key alone decides."""
    return np.asarray(np.char.endswith(keys, HELD_OUT_DIGIT.encode()))


class ImageReader:
    """Some rows of a file of images, in the order of a shuffle for each epoch.

    Args:
        images: the file.
        rows: numbers of the images that are read, of which there must be one.
        augmentation: what square each gives in each epoch.
    """

    def __init__(self, images: ImageFile, rows: Integers, augmentation: Augmentation) -> None:
        self._images, self._rows, self._augmentation = images, rows, augmentation
        self.order = FullOrder(len(rows), augmentation.seed)

    def read(self, positions: npt.ArrayLike) -> Batch:
        """The images at some positions of the endless sequence.

        Returns:
            `key`, list of 24 hex digits; `image`, uint8 `(B, side, side, 3)`: RGB; `row` and
            `epoch`, int64 `(B,)`.
        """
        place = places(self.order, positions)
        keys = [self._images.keys[row].decode() for row in self._rows[place.rows]]
        side = self._augmentation.side
        image = np.empty((len(keys), side, side, 3), np.uint8)
        for n, (row, epoch) in enumerate(zip(place.rows, place.epochs, strict=True)):
            kept = self._images.read(self._rows[row])
            image[n] = self._augmentation.square(kept, keys[n], int(epoch))
        return {"key": keys, "image": image, "row": place.rows, "epoch": place.epochs}

    def first(self, count: int) -> Rgb:
        """The first squares of the sequence, uint8 `(count, side, side, 3)`."""
        image: Rgb = self.read(range(count))["image"]
        return image

    def stream(self, steps: Iterable[Step]) -> Iterator[Batch]:
        """The batches of some steps, each with its `next_position`."""
        for step in steps:
            yield self.read(step.positions) | {"next_position": step.next_position}


class Squares:
    """The centres of some images, as they are encoded, a few at a time.

    Args:
        images: the file.
        rows: numbers of the images.
        augmentation: by which they were kept.

    Attributes:
        side: edge of the squares, in pixels.
    """

    def __init__(self, images: ImageFile, rows: Integers, augmentation: Augmentation) -> None:
        self._images, self._rows, self._augmentation = images, rows, augmentation
        self.side = augmentation.side

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def keys(self) -> list[str]:
        """Their parts of keys, 24 hex digits each, in order."""
        return [self._images.keys[row].decode() for row in self._rows]

    def first(self, count: int) -> Rgb:
        """The first ones in the order of their keys, uint8 `(count, side, side, 3)`."""
        return self._read(self._rows[:count])

    def parts(
        self, size: int, most: int | None = None, rank: int = 0, ranks: int = 1
    ) -> Iterator[Rgb]:
        """In order, uint8 `(size, side, side, 3)`, the last part maybe smaller.

        Args:
            size: of a part.
            most: only the first ones; None for all.
            rank: whose share of them, from 0.
            ranks: processes that share them.
        """
        rows = self._rows[:most][rank::ranks]
        for start in range(0, len(rows), size):
            yield self._read(rows[start : start + size])

    def _read(self, rows: Integers) -> Rgb:
        centre = self._augmentation.centre
        return np.stack([centre(self._images.read(row)) for row in rows])
