"""Batches of images with a caption each, in an order: all of it a function of positions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy.typing as npt

from dalle_model.data.image_reader import ImageReader
from dalle_model.data.order import FullOrder
from dalle_model.data.permutation import key_of
from dalle_model.data.reader import Batch, Step
from dalle_model.views import Draws

Captions = Mapping[str, Sequence[str]]  # by the image's part of the key, each in key order


class PairReader:
    """Each image once an epoch, with one of its captions by chance.

    So no batch has an image twice, unless it crosses the end of an epoch.

    Args:
        images: that are read.
        captions: of each of them one at least.
        seed: of chance.
    """

    def __init__(self, images: ImageReader, captions: Captions, seed: int) -> None:
        self._images, self._captions, self._seed = images, captions, seed

    @property
    def order(self) -> FullOrder:
        """Of the images."""
        return self._images.order

    def read(self, positions: npt.ArrayLike) -> Batch:
        """The pairs at some positions: as `ImageReader.read`, and `caption`, a list of texts."""
        batch = self._images.read(positions)
        drawn = zip(batch["key"], batch["epoch"].tolist(), strict=True)
        return batch | {"caption": [self._caption(key, epoch) for key, epoch in drawn]}

    def stream(self, steps: Iterable[Step]) -> Iterator[Batch]:
        """The batches of some steps, each with its `next_position`."""
        for step in steps:
            yield self.read(step.positions) | {"next_position": step.next_position}

    def _caption(self, key: str, epoch: int) -> str:
        known = self._captions[key]
        draws = Draws(int(key_of("caption", self._seed, epoch)), key, 0)
        return known[draws.between(0, len(known) - 1)]
