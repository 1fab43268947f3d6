"""Which of the languages that have a limit of their own a caption is in."""

from collections.abc import Iterable, Iterator, Sequence

from pipelines.similarity.config import OTHER
from pipelines.text.language import Speech, decide, guesses


def languages_of(captions: Iterable[str], named: Sequence[str]) -> Iterator[str]:
    """For each caption one of the named languages, or `other`.

    A caption is taken for the likeliest of them that the captions stage would take it for, were
    that the language it looks for.

    Args:
        captions: texts.
        named: ISO 639-1 codes.
    """
    if not named:
        yield from (OTHER for _ in captions)
        return
    speeches = [Speech(language) for language in named]
    texts = list(captions)
    for found, text in zip(guesses(texts), texts, strict=True):
        spoken = [decide(found, text, speech) for speech in speeches]
        likely = [
            (one.probability, language)
            for one, language in zip(spoken, named, strict=True)
            if one.language == language
        ]
        yield max(likely)[1] if likely else OTHER
