"""What a normalising step is: a pure change of one text, and which texts it can change at all."""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NormalisingStep:
    """A named change.

    Args:
        change: pure function of a text.
        touches: a text without a match stays as it is, so that most texts cost one search. Written
            so that Python and RE2 read it alike: Arrow applies it to whole columns.
    """

    change: Callable[[str], str]
    touches: re.Pattern[str]

    def __call__(self, text: str) -> str:
        """The text after the step."""
        return self.change(text) if self.touches.search(text) else text


def step(change: Callable[[str], str], touches: str) -> NormalisingStep:
    """A step from a function and the expression of the texts that it can change."""
    return NormalisingStep(change, re.compile(touches))
