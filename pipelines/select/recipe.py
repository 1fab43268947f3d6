"""What a recipe is: rules in order, each on some columns, and the numbers that it is known by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.select.settings import SelectSettings

# Columns as rules read them, whatever they are called where the rows come from.
KEY, TEXT, WIDTH, HEIGHT = "key", "text", "width", "height"
SCORE, CLUSTER, LANGUAGE = "score", "cluster", "language"

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]
Settled = Any  # what a survey of all rows settles: `Counts`, or a threshold; None without a survey


@dataclass(frozen=True, eq=False)
class Judged:
    """A rule applied to some rows.

    Args:
        passes: bool `[rows]`.
        measured: a number of each row, in any type; None where the rule measures none.
        details: of each row, what a number cannot say; None for nothing.
    """

    passes: Mask
    measured: NDArray[Any] | None = None
    details: Sequence[str] | None = None


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        reason: of its rejections.
        judge: a pure function of a table with the columns that the recipe asks for.
        limit: that its rejections name; None for none.
        is_of_all: whether it depends on what a survey settled.
    """

    reason: str
    judge: Callable[[pa.Table], Judged]
    limit: float | None = None
    is_of_all: bool = False


class Survey(Protocol):
    """What a recipe has to know of all rows before it can judge one.

    All rows are counted; where the counts do not settle it, some values are gathered on a second
    visit.
    """

    def count(self, rows: pa.Table) -> Counts:
        """What some rows add to the counts of all; of a length that is always the same."""
        ...

    def gather(self, rows: pa.Table, counts: Counts) -> NDArray[np.float64]:
        """Values of some rows, given the counts of all; often none."""
        ...

    def settle(self, counts: Counts, gathered: NDArray[np.float64]) -> Settled:
        """What the rules are given; the values gathered come in any order."""
        ...

    def unsettled(self) -> Settled:
        """What the rules are given of one row alone: they let it pass, as far as it can."""
        ...


class Published(NamedTuple):
    """What a CLIP of a fixed size became, trained on what a recipe keeps of a fixed pool.

    Args:
        scale: of DataComp: `small`, 12.8 million pairs, or `medium`, 128 million; else in words.
        imagenet: zero-shot accuracy, 0..1.
        average: over DataComp's 38 tasks, 0..1; None where it is not known.
    """

    scale: str
    imagenet: float
    average: float | None


@dataclass(frozen=True)
class Recipe:
    """A published filter.

    Args:
        name: in a config, and on the command line.
        about: in a few words.
        source: where it is published.
        columns: that its rules read; `KEY` is always there.
        rules: given the settings and what the survey settled; cheap ones first, since a row that
            one drops is not shown to the next.
        survey: of all rows; None where each row is judged alone.
        needs: settings without which it cannot run.
        takes: further settings that it heeds.
        published: numbers.
    """

    name: str
    about: str
    source: str
    columns: Callable[[SelectSettings], tuple[str, ...]]
    rules: Callable[[SelectSettings, Settled], tuple[Rule, ...]]
    survey: Callable[[SelectSettings], Survey | None] = lambda _: None
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()


@dataclass(frozen=True, eq=False)
class Outcome:
    """The rows that pass, and why the others do not.

    Args:
        kept: bool `[rows]`.
        dropped: of each rule that drops rows: the rule, their numbers, and how it judged them.
    """

    kept: Mask
    dropped: Sequence[tuple[Rule, NDArray[np.int64], Judged]]


def apply(rules: Sequence[Rule], rows: pa.Table) -> Outcome:
    """Let rules drop rows in their order; each sees what those before it left."""
    left, dropped = np.arange(len(rows)), []
    for rule in rules:
        judged = rule.judge(rows if len(left) == len(rows) else rows.take(pa.array(left)))
        if not judged.passes.all():
            dropped.append((rule, left[~judged.passes], only(judged, ~judged.passes)))
            left = left[judged.passes]
    kept = np.zeros(len(rows), np.bool_)
    kept[left] = True
    return Outcome(kept, dropped)


def only(judged: Judged, mask: Mask) -> Judged:
    """The judgements of some of the rows."""
    measured = None if judged.measured is None else judged.measured[mask]
    details = judged.details
    chosen = None if details is None else [details[i] for i in np.flatnonzero(mask).tolist()]
    return Judged(judged.passes[mask], measured, chosen)


def at_least(values: NDArray[Any], limit: float) -> Judged:
    """Values of some limit or above, compared in their own type, as NumPy does; NaN is below."""
    return Judged(values >= values.dtype.type(limit), values)


def at_most(values: NDArray[Any], limit: float) -> Judged:
    """Values of some limit or below; NaN is above."""
    return Judged(values <= values.dtype.type(limit), values)


def column(rows: pa.Table, name: str) -> NDArray[Any]:
    """A column of numbers, nulls as NaN."""
    found: NDArray[Any] = rows[name].to_numpy()
    return found


def texts(rows: pa.Table) -> list[str]:
    """The captions; a null is an empty one."""
    return [text or "" for text in rows[TEXT].to_pylist()]


def settings_of(recipes: Mapping[str, Recipe], name: str) -> frozenset[str]:
    """The settings that a recipe heeds."""
    recipe = recipes[name]
    return frozenset({*recipe.needs, *recipe.takes})
