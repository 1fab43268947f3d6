"""The captions of `sample.tsv`, tagged by hand."""

from pathlib import Path
from typing import NamedTuple

PATH = Path(__file__).with_name("sample.tsv")


class Example(NamedTuple):
    source: str
    text: str
    pairs: list[tuple[str, str]]


def examples() -> list[Example]:
    lines = PATH.read_text("utf-8").splitlines()
    return [_read(line) for line in lines if not line.startswith("#")]


def _read(line: str) -> Example:
    source, text, tagged = line.split("\t")
    pairs = [item.rsplit("/", 1) for item in tagged.split(" ")]
    return Example(source, text, [(word, tag) for word, tag in pairs])
