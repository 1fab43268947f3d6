"""What of an image a codec is trained on: a part by chance, another one in each epoch.

Chance is a function of a seed, an epoch and the image's key, so that neither the batch nor the
process in which an image is read has a say in it.
"""

from dataclasses import dataclass

import numpy as np

from dalle_model.config import FIRST_RESAMPLE, Resample
from dalle_model.cuts import Sizes, cut_out
from dalle_model.data.permutation import key_of
from dalle_model.pixels import Rgb
from dalle_model.resize import resize, square
from dalle_model.settings import Augment
from dalle_model.views import Draws, cuts_of, side_needed

LISTING1 = "dvae"  # as `dalle_model.views` names it


@dataclass(frozen=True)
class Augmentation:
    """How squares for training are made of images.

    `none` gives the centre; `shift` the centre, shifted along each axis with its edge repeated, and
    mirrored in one case of two; `listing1` a square by chance, scaled to 9/8 to 12/8 of the side,
    of which the side is cropped by chance and mirrored in one case of two.

    Args:
        kind: one of these.
        side: edge of the squares, in pixels.
        max_shift: largest shift, in pixels.
        seed: of chance.
        resample: the filter by which images are made smaller once, before all else.
        mirrors: whether `shift` mirrors too; not where a caption says which side is left.

    Source: Ramesh et al. 2021, listing 1, whose 288 to 384 of 256 px are ratios here. Departures,
    all of rounding: both crops are one box of whole pixels, which is scaled once, by the mean of
    the area that a pixel covers, without aligned corners; and an image whose shorter edge is above
    12/8 of the side is made that small by `resample` first.
    """

    kind: Augment
    side: int
    max_shift: int = 0
    seed: int = 0
    resample: Resample = FIRST_RESAMPLE
    mirrors: bool = True

    @property
    def edge(self) -> int:
        """The shorter edge that it needs of an image, in pixels, to be all that it is."""
        return edge_needed(self.kind, self.side)

    def kept(self, rgb: Rgb) -> Rgb | None:
        """What of an image it needs; None where the image is smaller than the square.

        Args:
            rgb: uint8 `(height, width, 3)`.
        """
        height, width, _ = rgb.shape
        short = min(height, width)
        if short < self.side:
            return None
        if self.kind != "listing1":
            return square(rgb, self.side, self.resample)
        if short <= self.edge:
            return rgb
        across, down = (round(edge * self.edge / short) for edge in (width, height))
        return resize(rgb, across, down, self.resample)

    def square(self, kept: Rgb, key: str, epoch: int) -> Rgb:
        """The square of an image in an epoch, uint8 `(side, side, 3)`, of what is `kept` of it."""
        seed = int(key_of("augment", self.seed, epoch))
        if self.kind == "listing1":
            return _listing1(kept, self.side, key, seed)
        if self.kind == "shift":
            return _shifted(kept, self.max_shift, Draws(seed, key, 0), self.mirrors)
        return kept

    def centre(self, kept: Rgb) -> Rgb:
        """The square that is encoded after training, uint8 `(side, side, 3)`."""
        return square(kept, self.side, self.resample)


def edge_needed(kind: Augment, side: int) -> int:
    """The shorter edge that images need as stored, in pixels."""
    return side_needed([LISTING1], side) if kind == "listing1" else side


def _listing1(kept: Rgb, side: int, key: str, seed: int) -> Rgb:
    sizes = Sizes(*kept.shape[1::-1], *kept.shape[1::-1])
    (cut,) = cuts_of([LISTING1], sizes, (side, side), key, seed)
    return cut_out(kept, cut, sizes, "area")


def _shifted(kept: Rgb, most: int, draws: Draws, mirrors: bool) -> Rgb:
    last = len(kept) - 1
    down, across = (np.arange(last + 1) + draws.between(-most, most) for _ in range(2))
    shifted = kept[down.clip(0, last)][:, across.clip(0, last)]
    is_mirrored = mirrors and draws.between(0, 1)
    return np.ascontiguousarray(shifted[:, ::-1]) if is_mirrored else shifted
