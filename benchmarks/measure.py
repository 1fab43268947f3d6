"""How contestants are timed, and the rows that benchmarks return."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.processes import cpu_seconds

Contestant = Callable[[], object]

HEADINGS = ("What", "Unit", "Ours", "Other", "Ratio", "By wall", "Other is")


@dataclass(frozen=True)
class Seconds:
    """Medians over the repeats: CPU seconds, with those of child processes, and wall seconds."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        name: what is done.
        unit: of `ours` and `other`.
        other_is: a peer, which does the same, or a floor, which does only part of it.
        ours: measured here.
        other: measured in the same call.
        ratio: above 1 where ours is better: more work per second, or fewer bytes.
        wall_ratio: the same by wall time; None for sizes.
        note: a sentence below the table.
    """

    name: str
    unit: str
    other_is: str
    ours: float
    other: float
    ratio: float
    wall_ratio: float | None = None
    note: str = ""


def race(*contestants: Contestant, repeats: int = 3) -> list[Seconds]:
    """Run the contestants in turns, A B A B, after one uncounted turn that warms caches.

    Returns:
        One for each contestant, in order.
    """
    for contestant in contestants:
        contestant()
    turns = [[_timed(contestant) for contestant in contestants] for _ in range(repeats)]
    return [_median(times) for times in zip(*turns, strict=True)]


def speed(
    name: str, unit: str, other_is: str, count: int, times: Sequence[Seconds], note: str = ""
) -> Row:
    """A row on speed.

    Args:
        name: what is done.
        unit: what is counted, in the plural.
        other_is: as in `Row`.
        count: how many of it each contestant did.
        times: ours, the other's.
        note: as in `Row`.
    """
    ours, other = times
    return Row(
        name=name,
        unit=f"{unit}/CPU-s",
        other_is=other_is,
        ours=count / ours.cpu,
        other=count / other.cpu,
        ratio=other.cpu / ours.cpu,
        wall_ratio=other.wall / ours.wall,
        note=note,
    )


def size(name: str, unit: str, other_is: str, ours: float, other: float, note: str = "") -> Row:
    """A row on bytes, of which fewer are better."""
    return Row(name, unit, other_is, ours, other, ratio=other / ours, note=note)


def markdown(rows: Sequence[Row]) -> str:
    """The rows as an aligned Markdown table, the notes as a list below it."""
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    rule = ["-" * width if column in {0, 1, 6} else "-" * (width - 1) + ":"
            for column, width in enumerate(widths)]  # fmt: skip
    lines = [_line(cells[0], widths), _line(rule, widths), *(_line(c, widths) for c in cells[1:])]
    notes = dict.fromkeys(f"- {row.name}: {row.note}" for row in rows if row.note)
    return "\n".join([*lines, "", *notes])


def _timed(contestant: Contestant) -> Seconds:
    gc.collect()
    cpu, wall = cpu_seconds(), time.perf_counter()
    contestant()
    elapsed = time.perf_counter() - wall
    return Seconds(cpu_seconds() - cpu, elapsed)


def _median(times: Sequence[Seconds]) -> Seconds:
    return Seconds(
        statistics.median(t.cpu for t in times), statistics.median(t.wall for t in times)
    )


def _cells(row: Row) -> tuple[str, ...]:
    by_wall = "" if row.wall_ratio is None else _number(row.wall_ratio)
    return (
        row.name,
        row.unit,
        _number(row.ours),
        _number(row.other),
        _number(row.ratio),
        by_wall,
        row.other_is,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.ljust(width) if column in {0, 1, 6} else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join(padded)} |"
