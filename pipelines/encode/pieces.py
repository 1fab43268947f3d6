"""The views of a stored image, as the codec encodes them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from dalle_model.cuts import Cut, Shape, Sizes, cut_out, too_short
from dalle_model.pixels import Rgb, from_stored
from dalle_model.shards import image_of
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.views import cuts_of
from pipelines.encode.batches import Crop, Piece, Place, Row
from pipelines.rejection import Check

MAX_EDGE = (1 << 16) - 1  # of a box, in pixels: the column `crop` holds uint16

Choose = Callable[[Row, Sizes], Sequence[Place]]  # the views of a row's image


def crop_by(choose: Choose, facts: CodecFacts) -> Crop:
    """What makes the pieces of a row's image.

    Args:
        choose: its views.
        facts: of the codec, whose filter scales.
    """

    def crop(row: Row, stored: bytes) -> Sequence[Piece] | Check:
        try:
            rgb = from_stored(stored)
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on a broken file
            return Check("undecodable", passed=False, detail=type(error).__name__)
        sizes = Sizes(row["width"], row["height"], rgb.shape[1], rgb.shape[0])
        places = choose(row, sizes)
        if failed := next(filter(None, (_failed(place.cut, sizes) for place in places)), None):
            return failed
        return [Piece(place, _pixels(rgb, place, sizes, facts)) for place in places]

    return crop


class Views(Protocol):
    """Which views the rows of a shard have."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of each view, by its number; empty where rows alone say what they are."""

    def followed(self, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The same tables of rows, which are asked about when their table has passed."""

    def refusal(self, row: Row) -> Check | None:
        """Why a row has none; None where it has some."""

    def choose(self, row: Row, sizes: Sizes) -> list[Place]:
        """The views of a row that is not refused, which are those of all captions of its image."""

    def count(self, row: Row) -> int:
        """How many those are."""

    @property
    def num_missing(self) -> int:
        """Rows that were asked for and have not come, when all tables have passed."""


@dataclass(frozen=True)
class NamedViews:
    """The same views for each row.

    Args:
        names: of each view, by its number.
        views: as settings name them.
        shape: height and width of what the codec encodes, in pixels.
        seed: of the random views.
        buckets: for the views that are of their shapes.
    """

    names: tuple[str, ...]
    views: tuple[str, ...]
    shape: Shape
    seed: int
    buckets: tuple[Shape, ...] = ()

    def followed(self, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The tables, of which nothing need be known before."""
        return tables

    def refusal(self, _row: Row) -> Check | None:
        """No row is refused."""
        return None

    def choose(self, row: Row, sizes: Sizes) -> list[Place]:
        """The views of a row's image, by `dalle_model.views.cuts_of`."""
        image = image_of(row["key"])
        cuts = cuts_of(self.views, sizes, self.shape, image, self.seed, self.buckets)
        return [Place(number, cut) for number, cut in enumerate(cuts)]

    def count(self, _row: Row) -> int:
        """As many for every row."""
        return len(self.names)

    @property
    def num_missing(self) -> int:
        """None are, as none were asked for."""
        return 0


def _failed(cut: Cut, sizes: Sizes) -> Check | None:
    """The rule that an image breaks for one of its views."""
    if not sizes.holds(cut.box):
        return Check("crop_not_stored", passed=False, detail=f"{tuple(cut.box)}")
    if short := too_short(cut, sizes):
        return Check("below_codec_side", passed=False, measured=short[0], threshold=short[1])
    edge = max(cut.box)
    if edge > MAX_EDGE:
        return Check("crop_too_far", passed=False, measured=edge, threshold=MAX_EDGE)
    return None


def _pixels(rgb: Rgb, place: Place, sizes: Sizes, facts: CodecFacts) -> Rgb:
    return cut_out(rgb, place.cut, sizes, facts.resample)
