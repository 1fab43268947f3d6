"""Which part of an image stays where the rest is drawn anew: as a person says it, and in tokens."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from dalle_model.errors import UsageError
from dalle_model.tokenizers.codec import CodecFacts

_HALF = Fraction(1, 2)
FORMS = {"top": 1, "box": 4, "outside": 4}  # numbers of each
SAYS = "say top=0.5, box=0,0,0.5,1 or outside=0.5,0.5,1,1, in fractions or in pixels"


class KeepError(UsageError):
    """What is to be kept of an image makes no sense: what was said, and what can be."""


@dataclass(frozen=True)
class Keep:
    """A part of an image, in whole tokens.

    Args:
        said: as it was asked for.
        is_kept: bool `(rows, columns)` of tokens.
        patch: height and width of what a token covers, in pixels.
    """

    said: str
    is_kept: npt.NDArray[np.bool_]
    patch: tuple[int, int]

    def pixels(self) -> npt.NDArray[np.bool_]:
        """Which pixels are kept, bool `(height, width)`."""
        return np.kron(self.is_kept, np.ones(self.patch, bool)).astype(bool)

    def num_unseen(self) -> int:
        """Tokens that are kept behind one that is drawn, in the order of rows."""
        flat = self.is_kept.ravel()
        return int(flat[int(flat.argmin()) :].sum())

    def __str__(self) -> str:
        rows, columns = self.is_kept.shape
        is_outside = self.said.startswith("outside")
        down, across = np.nonzero(self.is_kept != is_outside)
        where = f"rows {down.min() + 1} to {down.max() + 1} of {rows}"
        if len(down) < columns * (down.max() + 1 - down.min()):
            where += f", columns {across.min() + 1} to {across.max() + 1} of {columns}"
        what = f"all tokens but those of {where}" if is_outside else f"the tokens of {where}"
        return f"{self.said}: {what}; each covers {self.patch[1]} x {self.patch[0]} px"


def parse_keep(said: str, facts: CodecFacts) -> Keep:
    """Read `top=0.5`, `box=x0,y0,x1,y1` or `outside=x0,y0,x1,y1`.

    Edges are fractions of the image where none is above 1, such as `0.5` or `15/32`, and else
    pixels of the image as the codec takes it, x from the left and y from the top. Each is moved to
    the nearest edge of a token, a half to the one behind it.

    Args:
        said: `top` keeps the upper rows, `box` a rectangle, and `outside` all but a rectangle.
        facts: of the codec.

    Raises:
        KeepError: it is none of these, lies outside the image, or keeps nothing or everything.
    """
    form, _, rest = said.partition("=")
    if FORMS.get(form) != len(rest.split(",")):
        raise KeepError(f"--keep {said}: {SAYS}")
    numbers = [_number(said, text) for text in rest.split(",")]
    rows, columns, patch = _grid(facts)
    is_in_pixels = max(numbers) > 1
    height, width = facts.image_shape if is_in_pixels else (1, 1)
    x0, y0, x1, y1 = numbers if form != "top" else (0, 0, width, *numbers)
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise KeepError(f"--keep {said} is no part of {_sizes(facts, is_in_pixels)}; {SAYS}")
    is_kept = np.zeros((rows, columns), bool)
    is_kept[_tokens(y0, y1, rows, height), _tokens(x0, x1, columns, width)] = True
    is_kept = ~is_kept if form == "outside" else is_kept
    if is_kept.all() or not is_kept.any():
        what = "everything, and leaves nothing to draw" if is_kept.all() else "nothing"
        raise KeepError(f"--keep {said} keeps {what}, of {rows} x {columns} tokens; {SAYS}")
    return Keep(said, is_kept, patch)


def _number(said: str, text: str) -> Fraction:
    try:
        return Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        raise KeepError(f"--keep {said}: {text!r} is no number; {SAYS}") from None


def _grid(facts: CodecFacts) -> tuple[int, int, tuple[int, int]]:
    try:
        patch = facts.patch
    except ValueError as error:
        raise KeepError(f"no part of an image can be kept: {error}") from error
    rows, columns = facts.token_shape
    return rows, columns, patch


def _tokens(start: Fraction | int, end: Fraction | int, count: int, whole: int) -> slice:
    first, last = (math.floor(edge * Fraction(count, whole) + _HALF) for edge in (start, end))
    return slice(first, last)


def _sizes(facts: CodecFacts, is_in_pixels: bool) -> str:
    height, width = facts.image_shape
    return f"the image's {width} x {height} px" if is_in_pixels else "an image, 0 to 1"
