"""What a scorer is: columns that it adds of an image, and rules with limits on them.

A scorer is one value, `SCORER`, in `pipelines/quality/scorers/<name>.py`; nothing else names it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pydantic import BaseModel

from dalle_model.pixels import Rgb
from pipelines.quality.weights import Weights
from pipelines.rejection import Check

Values = Mapping[str, Any]  # by the names of columns


@dataclass(frozen=True)
class Stored:
    """An image as the images stage stores it.

    Args:
        rgb: uint8 `(height, width, 3)`.
        num_bytes: of the file that is stored.
        width: of the original, upright, in pixels.
        height: likewise.
    """

    rgb: Rgb
    num_bytes: int
    width: int
    height: int


Score = Callable[[Stored], Values]  # of one image, which no other one changes


@dataclass(frozen=True)
class Rule:
    """A limit on a column.

    Args:
        reason: of the rows that fail it.
        column: a number.
        setting: of the scorer's section, that is the limit; null for none.
        is_least: whether what is below the limit fails; else what is above it.
    """

    reason: str
    column: str
    setting: str
    is_least: bool = False

    def check(self, values: Values, section: BaseModel) -> Check | None:
        """The rule applied; None where there is no limit or the value is not known."""
        limit, value = getattr(section, self.setting), values.get(self.column)
        if limit is None or value is None:
            return None
        passed = value >= limit if self.is_least else value <= limit
        return Check(self.reason, passed, float(value), float(limit))


@dataclass(frozen=True)
class Scorer:
    """One way to look at an image.

    Args:
        name: of its section in `quality`, lower snake case.
        about: what it sees, in a few words.
        config: the class of its section.
        columns: that it adds, given its section.
        rules: on these, in the order in which they are applied.
        cpu_s: of one core for an image of 256 px, as `python -m benchmarks quality` measures it
            with the default settings; the cheaper scorers come first.
        load: what scores an image, given the section and the bytes of its weights, which are empty
            where it has none; kept for all images of a process.
        weights: the file that it needs; None for none.
        min_side: of the shorter edge of an image as stored, in pixels, below which it misses much.
        libraries: by name, the distributions whose version decides the result; of several, any one
            brings it.
    """

    name: str
    about: str
    config: type[BaseModel]
    columns: Callable[[Any], Sequence[pa.Field]]
    rules: tuple[Rule, ...]
    cpu_s: float
    load: Callable[[Any, bytes], Score]
    weights: Weights | None = None
    min_side: int = 0
    libraries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def checks(self, values: Values, section: BaseModel) -> Iterator[Check]:
        """The rules that have a limit, applied to the columns that are known."""
        yield from filter(None, (rule.check(values, section) for rule in self.rules))
