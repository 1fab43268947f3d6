"""A tagged caption -> its words, with dates, measures, titles and names as one word each."""

from collections.abc import Iterable

from pipelines.captions.transform.entities import recognise
from pipelines.captions.transform.graph import Graph
from pipelines.captions.transform.kinds import TITLE
from pipelines.captions.transform.patterns import Span, spans
from pipelines.captions.transform.words import Words, merge, read


def chunk(text: str, pairs: Iterable[tuple[str, str]], graph: Graph) -> Words:
    """Words and chunks of a caption, ended by an empty word tagged `END`.

    Args:
        text: the caption.
        pairs: its (word, tag).
        graph: entities and the parts of names.
    """
    words = read(text, pairs)
    found = [_resolved(text, span, graph) for span in spans(text)]
    return recognise(text, _with_spans(text, words, found), graph)


def _resolved(text: str, span: Span, graph: Graph) -> Span:
    """A quoted title that the graph knows has its type: "film"."""
    if span.kind != TITLE:
        return span
    return span._replace(kind=graph.types.get(text[span.start + 1 : span.end - 1], TITLE))


def _with_spans(text: str, words: Words, found: list[Span]) -> Words:
    """Words that lie in one span become one word of its kind."""
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
