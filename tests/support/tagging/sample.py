"""Captions tagged by hand: a sample on which choices were made, and one held out from them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SAMPLE, HELD_OUT = "sample", "held_out"


class Example(NamedTuple):
    source: str
    text: str
    pairs: list[tuple[str, str]]


def examples(name: str = SAMPLE) -> list[Example]:
    lines = Path(__file__).with_name(f"{name}.tsv").read_text("utf-8").splitlines()
    return [_read(line) for line in lines if not line.startswith("#")]


def styles(rows: Sequence[Example]) -> dict[str, list[Example]]:
    """By source; the packages whose documentation they come from count as one."""
    found: dict[str, list[Example]] = {}
    for row in rows:
        is_package = row.source in {"skimage", "sklearn", "pandas", "scipy", "astropy"}
        found.setdefault("documentation" if is_package else row.source, []).append(row)
    return found


def _read(line: str) -> Example:
    source, text, tagged = line.split("\t")
    pairs = [item.rsplit("/", 1) for item in tagged.split(" ")]
    return Example(source, text, [(word, tag) for word, tag in pairs])
