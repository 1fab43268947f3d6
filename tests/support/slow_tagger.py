"""The averaged perceptron as published: one token at a time, dictionaries of features.

Source: textblob_aptagger/taggers.py and _perceptron.py (MIT, Matthew Honnibal). The only change is
that weights are whole thousandths, which makes sums exact: with floats, the order of summing can
break a tie.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from pipelines.text.tagging.weights import WEIGHTS_PATH

START = ["-START-", "-START2-"]
END = ["-END-", "-END2-"]


class SlowTagger:
    """Weights by feature and tag, the words that have but one tag, and all tags."""

    def __init__(self) -> None:
        with np.load(WEIGHTS_PATH) as stored:
            self.classes = _lines(stored["tags"])
            cells = zip(stored["columns"].tolist(), stored["thousandths"].tolist(), strict=True)
            self.weights = {
                feature: {self.classes[column]: weight for column, weight in _first(cells, length)}
                for feature, length in zip(
                    _lines(stored["features"]), stored["lengths"].tolist(), strict=True
                )
            }
            tags = [self.classes[i] for i in stored["single_tags"].tolist()]
            self.single = dict(zip(_lines(stored["single_words"]), tags, strict=True))

    def tag(self, words: Sequence[str]) -> list[str]:
        prev, prev2 = START
        context = START + [self._normalize(w) for w in words] + END
        tags = []
        for i, word in enumerate(words):
            tag = self.single.get(word) or self._of_new_mark(word)
            if not tag:
                tag = self._predict(self._get_features(i, word, context, prev, prev2))
            tags.append(tag)
            prev2 = prev
            prev = tag
        return tags

    def _of_new_mark(self, word: str) -> str:
        """Ours: a mark that was never seen in training is a symbol."""
        is_mark = not any(character.isalnum() for character in word)
        return "SYM" if is_mark and f"i word {word}" not in self.weights else ""

    def _predict(self, features: Mapping[str, int]) -> str:
        scores: dict[str, int] = defaultdict(int)
        for feature, value in features.items():
            for label, weight in self.weights.get(feature, {}).items():
                scores[label] += value * weight
        return max(self.classes, key=lambda label: (scores[label], label))

    def _normalize(self, word: str) -> str:
        if "-" in word and word[0] != "-":
            return "!HYPHEN"
        if word.isdigit() and len(word) == 4:
            return "!YEAR"
        if word[0].isdigit():
            return "!DIGITS"
        return word.lower()

    def _get_features(
        self, i: int, word: str, context: list[str], prev: str, prev2: str
    ) -> dict[str, int]:
        def add(name: str, *args: str) -> None:
            features[" ".join((name, *args))] += 1

        i += len(START)
        features: dict[str, int] = defaultdict(int)
        add("bias")
        add("i suffix", word[-3:])
        add("i pref1", word[0])
        add("i-1 tag", prev)
        add("i-2 tag", prev2)
        add("i tag+i-2 tag", prev, prev2)
        add("i word", context[i])
        add("i-1 tag+i word", prev, context[i])
        add("i-1 word", context[i - 1])
        add("i-1 suffix", context[i - 1][-3:])
        add("i-2 word", context[i - 2])
        add("i+1 word", context[i + 1])
        add("i+1 suffix", context[i + 1][-3:])
        add("i+2 word", context[i + 2])
        return features


def _lines(text: np.ndarray) -> list[str]:
    return text.tobytes().decode("utf-8").split("\n")


def _first(cells, count: int):
    return [next(cells) for _ in range(count)]
