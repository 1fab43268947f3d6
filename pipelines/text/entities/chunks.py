"""A tagged caption -> its words, with dates, measures, titles and names as one word each."""

import re
from collections.abc import Iterable

from pipelines.text.entities.graph import Graph
from pipelines.text.entities.heads import FIRST_HEADS, TITLES
from pipelines.text.entities.kinds import TITLE
from pipelines.text.entities.patterns import NUMBER_WORDS, TIME_UNITS, Span, spans
from pipelines.text.entities.recognition import recognise
from pipelines.text.entities.words import Words, merge, read

_NOT_PLAIN = re.compile(r"[\d$\u00a3\u20ac]")
_TIME_WORDS = frozenset(
    f"{unit}{ending}" for unit in (*TIME_UNITS, *NUMBER_WORDS) for ending in ("", "s")
) | {"last", "next", "yesterday", "early", "late", "century", "centuries", "hundred"}


def chunk(text: str, pairs: Iterable[tuple[str, str]], graph: Graph) -> Words:
    """Words and chunks of a caption, ended by an empty word tagged `END`.

    Args:
        text: the caption.
        pairs: its (word, tag).
        graph: entities and the parts of names.
    """
    words = read(text, pairs)
    return words if is_plain(text, words, graph) else chunk_words(text, words, graph)


def chunk_words(text: str, words: Words, graph: Graph) -> Words:
    """The same for words that are read already, whatever is in them."""
    found = [_resolved(text, span, graph) for span in spans(text)]
    return recognise(text, _with_spans(text, words, found), graph)


def is_plain(text: str, words: Words, graph: Graph) -> bool:
    """Whether a caption can contain no chunk, which is cheap to see.

    It has no digit and no capital but the first, and no word that begins a lower-case entity of
    the graph or is one of time. A third of `demo/texts.tsv.gz` is so.
    """
    rest, first = text[1:], words[0].text
    if rest != rest.lower() or _NOT_PLAIN.search(text):
        return False
    if first in graph.longest or first in graph.names or first in TITLES or first in FIRST_HEADS:
        return False
    spelled = [word.text for word in words]
    return graph.lower_starts.isdisjoint(spelled) and _TIME_WORDS.isdisjoint(spelled)


def _resolved(text: str, span: Span, graph: Graph) -> Span:
    """A quoted title that the graph knows has its type: "film"."""
    if span.kind != TITLE:
        return span
    return span._replace(kind=graph.types.get(text[span.start + 1 : span.end - 1], TITLE))


def _with_spans(text: str, words: Words, found: list[Span]) -> Words:
    """The words within a span become one word of its kind."""
    if not found:
        return words
    merged: Words = []
    at = 0
    for span in found:
        while words[at].start < span.start:
            merged.append(words[at])
            at += 1
        first = at
        while words[at].end <= span.end and words[at].text:
            at += 1
        if at > first:
            merged.append(merge(text, words[first:at], span.kind))
    return merged + words[at:]
