"""DataComp's filters row by row, as its `apply_filter.py` describes them; slow, and shares nothing.

Of `pipelines.select` nothing is used. Language comes from fastText's own Python door.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.text import language

Row = Mapping[str, Any]
Uid = tuple[int, int]


@dataclass(frozen=True)
class Dictionary:
    """WordNet in small.

    Args:
        senses: by part of speech, in the order of `n`, `v`, `a`, `r`: lemma -> offsets.
        irregular: by part of speech: form -> lemmas.
        endings: by part of speech: what is cut off, and what is put there.
    """

    senses: Mapping[str, Mapping[str, list[int]]]
    irregular: Mapping[str, Mapping[str, list[str]]]
    endings: Mapping[str, list[tuple[str, str]]]

    def offsets(self, word: str) -> list[int]:
        """All senses of a word, the first one first."""
        return [
            offset
            for part in "nvar"
            for form in self._forms(word.lower(), part)
            for offset in self.senses[part][form]
        ]

    def _forms(self, word: str, part: str) -> list[str]:
        known = self.senses[part]
        if word in self.irregular[part]:
            return [form for form in [word, *self.irregular[part][word]] if form in known]
        level, found = [word], [word] if word in known else []
        while level:
            level = [
                f.removesuffix(o) + n for f in level for o, n in self.endings[part] if f.endswith(o)
            ]
            found += [form for form in level if form in known]
            if found:
                return found
        return []


def basic(table: pa.Table) -> list[Uid]:
    """English, above 2 words and 5 characters, a side of 200 at least, an aspect of 3 at most."""
    return sorted(
        _uid(row)
        for row in table.to_pylist()
        if _is_english(row["text"])
        and len(row["text"].split()) > 2
        and len(row["text"]) > 5
        and min(row["original_width"], row["original_height"]) >= 200
        and _aspect(row) <= 3.0
    )


def text(table: pa.Table, dictionary: Dictionary, listed: set[int]) -> list[Uid]:
    """English, with a word whose first synset is listed."""
    return sorted(
        _uid(row)
        for row in table.to_pylist()
        if any(offset in listed for offset in _first_offsets(row["text"], dictionary))
        and _is_english(row["text"])
    )


def clip(table: pa.Table, name: str, threshold: float) -> list[Uid]:
    """A score of the threshold or above."""
    return sorted(_uid(row) for row in table.to_pylist() if row[name] >= threshold)


def top(table: pa.Table, name: str, fraction: float) -> list[Uid]:
    """The best scores, down to the one that a fraction of all precede."""
    scores = sorted((row[name] for row in table.to_pylist()), reverse=True)
    return clip(table, name, scores[int(len(scores) * fraction)])


def image(table: pa.Table, clusters: list[int], wanted: set[int]) -> list[Uid]:
    """English, above one word as fastText cuts it and 5 characters, in a wanted cluster."""
    return sorted(
        _uid(row)
        for row, cluster in zip(table.to_pylist(), clusters, strict=True)
        if cluster in wanted
        and _fasttext_words(row["text"]) > 1
        and len(row["text"]) > 5
        and _is_english(row["text"])
    )


def _first_offsets(caption: str, dictionary: Dictionary) -> Iterator[int]:
    for word in caption.split():
        yield from dictionary.offsets(word)[:1]


def _fasttext_words(caption: str) -> int:
    """One for each line break, and one for each run of what is no ASCII white space."""
    words, is_inside = 0, False
    for character in caption:
        is_space = character in " \n\r\t\v\f\0"
        words += (character == "\n") + (not is_space and not is_inside)
        is_inside = not is_space
    return words


def _is_english(caption: str) -> bool:
    model = language._model()
    return (
        str(model.predict(caption.replace("\n", " ") + "\n", 1, 0.0, "strict")[0][1])
        == "__label__en"
    )


def _aspect(row: Row) -> float:
    sides = sorted([row["original_width"], row["original_height"]])
    return float(sides[1] / sides[0])


def _uid(row: Row) -> Uid:
    return int(row["uid"][:16], 16), int(row["uid"][16:], 16)
