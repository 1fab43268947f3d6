"""Reading a large input in parts, in any order and by any worker, with the rows of one reading.

A reader announces the position of each unit (a record, a line, a row group, a sample) before it
reads it, in ascending order, and stops when it is refused. What belongs to a unit depends on the
content of the input alone, never on where a part begins or ends.
"""

from collections.abc import Callable
from dataclasses import dataclass

Claim = Callable[[int], bool]

SPLIT_BYTES = 64 << 20  # chosen: some seconds of work, against milliseconds to open an input
_WALKS = 4  # chosen: a store then sends 2.5 times an input, and a quarter is the longest wait


@dataclass(frozen=True)
class Extent:
    """The positions of an input and how they are divided.

    Args:
        size: positions run from 0 to `size`, exclusive; 0 for an input without content.
        step: positions of one part.
    """

    size: int
    step: int


WHOLE = Extent(1, 1)  # an input that can only be read from beginning to end


def every(position: int) -> bool:
    """Claim all positions: the input is read in one piece."""
    del position
    return True


class Claims:
    """Wraps `try_claim`, recording a refusal."""

    def __init__(self, claim: Claim) -> None:
        self._claim, self.was_refused = claim, False

    def __call__(self, position: int) -> bool:
        """Whether the unit at a position may be read."""
        self.was_refused = not self._claim(position)
        return not self.was_refused


def extent_of_bytes(num_bytes: int) -> Extent:
    """Positions are byte offsets."""
    return Extent(num_bytes, SPLIT_BYTES)


def extent_of_items(num_items: int, num_bytes: int) -> Extent:
    """Positions number items, such as row groups, that share the bytes of an input evenly."""
    bytes_each = max(1, num_bytes // max(1, num_items))
    return Extent(num_items, max(1, SPLIT_BYTES // bytes_each))


def in_few_parts(extent: Extent) -> Extent:
    """For an input in a store of which each part walks over all before it.

    On a disk that is seeking, and a store sends what is walked over.
    """
    return Extent(extent.size, max(extent.step, -(-extent.size // _WALKS)))
