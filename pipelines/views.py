"""What a stage shows of itself in a report: plain data, to be rendered by any page or terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Sample = tuple[str, float | None]


@dataclass(frozen=True)
class RuleRow:
    """One rule of a recipe.

    Args:
        name: of the rule.
        section: of the recipe.
        limit: the last value that passes.
        source: of the limit.
        rows_in: rows that the rules before it left.
        dropped: by it.
        kept_samples, dropped_samples: texts nearest to the limit, with the values measured.
        bars: how the values are spread, each bar 0..1 of the highest; empty where all are one.
        low, high: values at the first and the last bar.
    """

    name: str
    section: str
    limit: float
    source: str
    rows_in: int
    dropped: int
    kept_samples: Sequence[Sample]
    dropped_samples: Sequence[Sample]
    bars: list[float]
    low: float
    high: float

    @property
    def share_dropped(self) -> float:
        return self.dropped / self.rows_in if self.rows_in else 0.0


@dataclass(frozen=True)
class Rates:
    """A share that a source states, next to the same share here; both 0..1.

    Args:
        what: share of what.
        theirs: as published, of other data.
        ours: of this run.
        source: where theirs is stated.
    """

    what: str
    theirs: float
    ours: float
    source: str


@dataclass(frozen=True)
class RuleFunnel:
    """What one recipe made of the rows of a stage, rule by rule."""

    recipe: str
    about: str
    rows_in: int
    rows_out: int
    rules: list[RuleRow]
    published: list[Rates]


@dataclass(frozen=True)
class Curves:
    """Values over steps.

    Args:
        title: heading of the section.
        about: a sentence below it.
        x, y: names of the axes, with units.
        steps: in order.
        lines: by name, one value a step; NaN where there is none.
    """

    title: str
    about: str
    x: str
    y: str
    steps: Sequence[float]
    lines: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Frequencies:
    """How often each of many things was used.

    Args:
        title: heading of the section.
        about: a sentence below it.
        x, y: names of the axes.
        counts: int64 `[things]`, any order.
    """

    title: str
    about: str
    x: str
    y: str
    counts: npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeatMap:
    """A value for each place of a grid.

    Args:
        title: heading of the section.
        about: a sentence below it.
        x, y: names of the axes.
        value: what the values are, with their unit.
        values: float64 `[rows, columns]`, row 0 on top.
    """

    title: str
    about: str
    x: str
    y: str
    value: str
    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class GalleryItem:
    """Images of one caption, side by side.

    Args:
        caption: below them.
        images: PNGs or JPEGs by label; the label is the alternative text.
        is_marked: stands out; the gallery says why.
    """

    caption: str
    images: Mapping[str, bytes]
    is_marked: bool = False


@dataclass(frozen=True)
class Gallery:
    """Images with their captions.

    Args:
        title: heading of the section.
        about: what is to be seen, and what a mark means.
        items: in order.
    """

    title: str
    about: str
    items: Sequence[GalleryItem]


@dataclass(frozen=True)
class Spread:
    """How a score is spread over rows kept and dropped, with rows nearest to its limits.

    Args:
        title: heading of the section.
        about: what is to be seen.
        x: name of the score.
        kept, dropped: float64 `[rows]`, any order.
        limits: the last values that pass.
        nearest: rows on both sides of the limits, by value; those that were dropped are marked.
    """

    title: str
    about: str
    x: str
    kept: npt.NDArray[np.float64]
    dropped: npt.NDArray[np.float64]
    limits: Sequence[float]
    nearest: Sequence[GalleryItem]


@dataclass(frozen=True)
class Seen:
    """One side of a pair: an image with what is known of it.

    Args:
        image: PNG or JPEG; None where it cannot be shown.
        text: below it, such as its caption.
    """

    image: bytes | None
    text: str


@dataclass(frozen=True)
class Pair:
    """Two images side by side.

    Args:
        left, right: the two sides.
        measured: below them, such as how they were found to be the same, and how far they differ.
        is_marked: stands out; the pairs' `about` says why.
    """

    left: Seen
    right: Seen
    measured: str
    is_marked: bool = False


@dataclass(frozen=True)
class Pairs:
    """Images next to those that they were compared with.

    Args:
        title: heading of the section.
        about: what is to be seen, and what a mark means.
        left, right: what the images of each side are.
        items: in order.
    """

    title: str
    about: str
    left: str
    right: str
    items: Sequence[Pair]


View = RuleFunnel | Curves | Frequencies | HeatMap | Gallery | Spread | Pairs
