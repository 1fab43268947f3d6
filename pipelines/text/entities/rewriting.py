"""Rewrites captions by named steps, in any order."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pipelines.text.entities.chunks import chunk
from pipelines.text.entities.dropping import (
    drop_dates,
    drop_durations,
    drop_noun_modifiers,
    drop_numbers,
    drop_titles,
    drop_units,
)
from pipelines.text.entities.graph import Graph
from pipelines.text.entities.locations import drop_locations
from pipelines.text.entities.naming import hypernyms, person_token, types, unresolved
from pipelines.text.entities.tidying import lower_case, tidy
from pipelines.text.entities.words import Words, write
from pipelines.text.tagging.tagged import PTB_TAGS, Tagged

RewritingStep = Callable[[Words, Graph], Words]

REWRITING_STEPS: Mapping[str, RewritingStep] = MappingProxyType(
    {
        step.__name__: step
        for step in (
            drop_titles,
            drop_dates,
            drop_durations,
            drop_units,
            drop_locations,
            drop_noun_modifiers,
            drop_numbers,
            hypernyms,
            person_token,
            lower_case,
            tidy,
        )
    }
)


@dataclass(frozen=True)
class Rewritten:
    """Captions after rewriting, as columns.

    Args:
        texts: the captions; empty where nothing is left.
        types: of each caption, the types of the entities that are left in it, in order.
        unresolved: int64 `[captions]`, names left that the graph does not know.
    """

    texts: list[str]
    types: list[list[str]]
    unresolved: NDArray[np.int64]


def rewrite(
    texts: Sequence[str], tagged: Tagged, steps: Sequence[RewritingStep], graph: Graph
) -> Rewritten:
    """Apply steps to tagged captions.

    Args:
        texts: the captions as they were tagged; what no step touches keeps its spacing.
        tagged: their words and parts of speech.
        steps: of `REWRITING_STEPS`, in order.
        graph: entities and the parts of names.
    """
    # One caption at a time: words that are kept cost the garbage collector more than all else.
    rows = [
        _row(rewrite_words(chunk(text, pairs, graph), steps, graph))
        for text, pairs in zip(texts, _pairs(tagged), strict=True)
    ]
    return Rewritten(
        texts=[text for text, _, _ in rows],
        types=[found for _, found, _ in rows],
        unresolved=np.array([left for _, _, left in rows], np.int64),
    )


def _pairs(tagged: Tagged) -> Iterator[Iterable[tuple[str, str]]]:
    """As `Tagged.pairs`, lazily."""
    tags = [PTB_TAGS[number] for number in tagged.tags.tolist()]
    for words, start in zip(tagged.tokens.lists(), tagged.tokens.offsets.tolist(), strict=False):
        yield zip(words, tags[start : start + len(words)], strict=True)


def _row(words: Words) -> tuple[str, list[str], int]:
    return write(words), types(words), unresolved(words)


def rewrite_words(words: Words, steps: Sequence[RewritingStep], graph: Graph) -> Words:
    """Apply steps to the chunks of one caption."""
    for step in steps:
        words = step(words, graph)
    return words
