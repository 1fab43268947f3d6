"""How often a tagger agrees with the hand."""

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from pipelines.captions.rules.tags import DETERMINERS, NOUNS

PREPOSITIONS = ("IN", "TO")

Pairs = list[tuple[str, str]]  # (tag by hand, tag by the tagger)


class Shares(NamedTuple):
    """Of a class of tags; NaN where it does not occur."""

    precision: float
    recall: float


def of_tokens(captions: Sequence[Pairs]) -> float:
    """Share of tokens whose tag is right."""
    tokens = [tag == guess for pairs in captions for tag, guess in pairs]
    return sum(tokens) / len(tokens)


def of_captions(captions: Sequence[Pairs]) -> float:
    """Share of captions all of whose tags are right."""
    return sum(all(tag == guess for tag, guess in pairs) for pairs in captions) / len(captions)


def of_class(captions: Sequence[Pairs], tags: Collection[str]) -> Shares:
    """Precision and recall of a class of tags; which of its tags does not matter."""
    tokens = [(tag in tags, guess in tags) for pairs in captions for tag, guess in pairs]
    hits = sum(tag and guess for tag, guess in tokens)
    return Shares(
        _share(hits, sum(guess for _, guess in tokens)), _share(hits, sum(tag for tag, _ in tokens))
    )


def row(names: str, captions: Sequence[Pairs]) -> str:
    """A line of a table: names, sizes, shares of all tokens and captions, then of three classes."""
    classes = (of_class(captions, tags) for tags in (DETERMINERS, NOUNS, PREPOSITIONS))
    cells = (
        f"{len(captions)} | {sum(map(len, captions))}",
        f"{of_tokens(captions):.3f} | {of_captions(captions):.2f}",
        *map(_cell, classes),
    )
    return f"| {names} | {' | '.join(cells)} |"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _cell(shares: Shares) -> str:
    return "none" if math.isnan(shares.recall) else f"{shares.precision:.2f} / {shares.recall:.2f}"
