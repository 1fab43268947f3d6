"""Views: named ways to choose what of an image is encoded, so that tokens are of several crops.

Source of `dvae` and `prior`: Ramesh et al. 2021, listings 1 and 2: crop a square, scale it to `t`
pixels, and crop the codec's side from that. Here the two crops are one box of the original, rounded
to its pixels, and scaled once. Departures: the filter is the codec's, where the paper's is `AREA`
of TensorFlow; edges of the box are rounded down to whole pixels; `t` is limited by the edge as
stored, not by that of the original; and what is said of 256 pixels are ratios to the codec's side.
Of a codec of rectangles, the largest rectangle of its aspect takes the place of the square.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from dalle_model.buckets import nearest
from dalle_model.cuts import Box, Cut, Shape, Sizes
from dalle_model.pixels import crop_box
from dalle_model.shard_schema import CENTRE

MAX_VIEWS = 256  # that the column `view` of token shards tells apart

_DIGEST = 64  # bytes of BLAKE2b, its most
_WORD = 8  # bytes of a random number


class Draws:
    """Random numbers for one view of one image, which nothing else has a say in.

    Args:
        seed: of the run.
        image: the part of a key that identifies the image.
        view: its number.
    """

    def __init__(self, seed: int, image: str, view: int) -> None:
        text = f"{seed} {image} {view}".encode()
        self._bytes = hashlib.blake2b(text, digest_size=_DIGEST).digest()
        self._next = 0

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included; at most eight may be asked for."""
        word = self._bytes[self._next : self._next + _WORD]
        assert word, "a view draws no more numbers than a digest holds"
        self._next += _WORD
        return low + (int.from_bytes(word) * (high - low + 1) >> 8 * _WORD)


Choose = Callable[["_Room", Draws], Sequence[tuple[Box, bool]]]


@dataclass(frozen=True)
class View:
    """One name.

    Args:
        choose: boxes, and whether each is mirrored; as many for every image.
        count: of them.
        scale: `t` for the codec's side: with a shorter edge of so much, as stored, the view is what
            its source says.
        is_bucketed: whether it is of the shape of an aspect bucket, not of the codec's own.
    """

    choose: Choose
    count: int = 1
    scale: Fraction = Fraction(1)
    is_bucketed: bool = False


def cuts_of(
    names: Iterable[str],
    sizes: Sizes,
    shape: Shape,
    image: str,
    seed: int,
    buckets: Sequence[Shape] = (),
) -> list[Cut]:
    """The cuts of an image, by the number of the view.

    Args:
        names: of `VIEWS`; one may come more than once.
        sizes: of the image.
        shape: height and width of what the codec encodes, in pixels.
        image: the part of its key that identifies the image.
        seed: of the random views.
        buckets: of `dalle_model.buckets`, for the views that are of their shapes; the shape alone
            where there are none.

    Returns:
        As many for every image. Where the image is stored too small for the codec, so are they.
    """
    own, found = _Room(sizes, shape), list[Cut]()
    bucket = nearest(buckets or [shape], sizes.frame.width, sizes.frame.height)
    for name in names:
        view, draws = VIEWS[name], Draws(seed, image, len(found))
        room = _Room(sizes, bucket) if view.is_bucketed else own
        found += [Cut(box, flips, room.shape) for box, flips in view.choose(room, draws)]
    return found


def has_buckets(names: Iterable[str]) -> bool:
    """Whether a view is of the shape of an aspect bucket."""
    return any(VIEWS[name].is_bucketed for name in names if name in VIEWS)


def names_of(views: Iterable[str]) -> list[str]:
    """The name of each view by its number: one that is of several views stands so often."""
    return [name for name in views for _ in range(VIEWS[name].count)]


def side_needed(views: Iterable[str], side: int) -> int:
    """The shorter edge that images need as stored, in pixels, for each view to be what it is.

    Args:
        views: names, of which unknown ones need no more than the codec.
        side: of what the codec encodes, in pixels.
    """
    scales = [VIEWS[name].scale for name in views if name in VIEWS]
    return max([side, *(round(scale * side) for scale in scales)])


class _Room:
    """Where in an image the boxes of a codec's shape may lie."""

    def __init__(self, sizes: Sizes, shape: Shape) -> None:
        self.frame, self.shape, self.side = sizes.frame, shape, min(shape)
        left, top, right, bottom = crop_box(self.frame.width, self.frame.height, shape)
        self.width, self.height = right - left, bottom - top  # of the largest such rectangle
        self.margin = self.frame.width - self.width, self.frame.height - self.height
        most = min(self.width * sizes.scale / shape[1], self.height * sizes.scale / shape[0])
        self._longest = int(most * self.side)  # behind it, something would be scaled up

    def limited(self, t: int) -> int:
        """A size of the codec's shorter edge, no larger than the image as stored allows."""
        return max(self.side, min(self._longest, t))

    def box(self, offset: tuple[int, int], t: int, place: tuple[int, int]) -> Box:
        """The box that two crops are, one after the other.

        Args:
            offset: of the largest rectangle in the frame: left and top, in pixels of the original.
            t: to which the codec's side is a part of it.
            place: left and top of the second crop, in pixels of the first at the size of `t`.
        """
        across, down = self.grown(t)
        width, height = self.width * self.shape[1] // across, self.height * self.shape[0] // down
        left = self.frame.left + offset[0] + self.width * place[0] // across
        top = self.frame.top + offset[1] + self.height * place[1] // down
        return Box(left, top, left + width, top + height)

    def grown(self, t: int) -> tuple[int, int]:
        """Width and height of the codec's shape, grown so that its shorter edge is `t`."""
        height, width = self.shape
        return width * t // self.side, height * t // self.side

    def slack(self, t: int) -> tuple[int, int]:
        """By how much those exceed the codec's shape."""
        across, down = self.grown(t)
        return across - self.shape[1], down - self.shape[0]

    @property
    def centred(self) -> tuple[int, int]:
        """The offset of the largest rectangle in the middle."""
        return self.margin[0] // 2, self.margin[1] // 2


def _centre(room: _Room, _draws: Draws) -> list[tuple[Box, bool]]:
    return [(room.box(room.centred, room.side, (0, 0)), False)]


def _flip(room: _Room, _draws: Draws) -> list[tuple[Box, bool]]:
    return [(room.box(room.centred, room.side, (0, 0)), True)]


# Source: Ramesh et al. 2021, listing 1: 288 to 384 of 256 pixels.
_DVAE = Fraction(9, 8), Fraction(12, 8)


def _dvae(room: _Room, draws: Draws) -> list[tuple[Box, bool]]:
    offset = draws.between(0, room.margin[0]), draws.between(0, room.margin[1])
    t = draws.between(*(room.limited(round(scale * room.side)) for scale in _DVAE))
    return [(_placed(room, draws, offset, t), bool(draws.between(0, 1)))]


# Source: Ramesh et al. 2021, listing 2: 256 to 288 of 256 pixels, and no flip, since images may
# hold text. Of what an edge exceeds the other by, 3/8 to 5/8 lie before the square.
_PRIOR = Fraction(9, 8)


def _prior(room: _Room, draws: Draws) -> list[tuple[Box, bool]]:
    offset = _near_centre(draws, room.margin[0]), _near_centre(draws, room.margin[1])
    t = draws.between(room.side, room.limited(round(_PRIOR * room.side)))
    return [(_placed(room, draws, offset, t), False)]


def _near_centre(draws: Draws, margin: int) -> int:
    first, behind = 3 * margin // 8, 5 * margin // 8
    return draws.between(first, max(first + 1, behind) - 1)


def _placed(room: _Room, draws: Draws, offset: tuple[int, int], t: int) -> Box:
    across, down = room.slack(t)
    return room.box(offset, t, (draws.between(0, across), draws.between(0, down)))


# Source: FoundationVision/LlamaGen `autoregressive/train/extract_codes_c2i.py`, `--crop-range` 1.1
# by default: centre of so many times the side, and of that torchvision's `TenCrop`.
_TEN_CROP = Fraction(11, 10)


def _ten_crop(room: _Room, _draws: Draws) -> list[tuple[Box, bool]]:
    t = room.limited(int(_TEN_CROP * room.side))
    right, bottom = room.slack(t)
    places = [(0, 0), (right, 0), (0, bottom), (right, bottom), (right // 2, bottom // 2)]
    boxes = [room.box(room.centred, t, place) for place in places]
    return [(box, flips) for flips in (False, True) for box in boxes]


ViewName = Literal["centre", "flip", "dvae", "prior", "ten_crop", "aspect"]
VIEWS: Mapping[str, View] = {
    CENTRE: View(_centre),
    "flip": View(_flip),
    "dvae": View(_dvae, scale=_DVAE[1]),
    "prior": View(_prior, scale=_PRIOR),
    "ten_crop": View(_ten_crop, count=10, scale=_TEN_CROP),
    "aspect": View(_centre, is_bucketed=True),
}
