"""Words and phrases that no caption may contain, from a list that is read where it is installed.

The list itself is not in this repository. `better-profanity` (MIT) is one of the three that
COYO-700M used, spellings with digits and signs included. It is broad: "organ" and "god" are in it.
Source: kakaobrain/coyo-dataset README, "Text Level".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from pipelines.text.lexicons.sources import file_digest, package_file, package_version, read_lines

BETTER_PROFANITY = "better-profanity"

_WORD = re.compile(r"\w[\w']*")
_PART = re.compile(r"[\w']+")
_POSSESSIVE = re.compile(r"'s?$")


@dataclass(frozen=True)
class Phrases:
    """A list of words and phrases in lower case.

    Args:
        words: entries of one word.
        others: expression, for `re` and RE2, of all other entries between signs or spaces; empty
            where there are none.
    """

    words: frozenset[str]
    others: str

    def contains(self, word: str) -> bool:
        """Whether a lower-case word is an entry, or a part of it between hyphens is."""
        return word in self.words or any(
            part in self.words or _POSSESSIVE.sub("", part) in self.words
            for part in _PART.findall(word)
        )

    def num_others(self, text: str) -> int:
        """How many entries of more than one word a text contains."""
        return len(self._found_others(text))

    def found(self, text: str, words: Iterable[str]) -> list[str]:
        """The entries in a text, given its words in lower case."""
        return [*filter(self.contains, words), *self._found_others(text)]

    def _found_others(self, text: str) -> list[str]:
        return re.findall(self.others, text) if self.others else []


@cache
def load_phrases(spec: str) -> Phrases:
    """The list named `better-profanity`, or of a UTF-8 file with a phrase a line.

    Raises:
        LexiconError: not there, or not text.
    """
    if spec == BETTER_PROFANITY:
        name = "profanity_wordlist.txt"
        spec = str(package_file("better_profanity", name, BETTER_PROFANITY))
    return phrases_of(read_lines(spec))


def phrases_of(lines: Iterable[str]) -> Phrases:
    """A list from its lines; empty ones do not count."""
    entries = {line.strip().lower() for line in lines} - {""}
    words = frozenset(entry for entry in entries if _WORD.fullmatch(entry))
    others = "|".join(re.escape(entry) for entry in sorted(entries - words, key=_longest_first))
    return Phrases(words, rf"(?i)(?:^|[^\w])({others})(?:$|[^\w])" if others else "")


def phrases_version(spec: str) -> str:
    """What the list is, for a fingerprint: version of the package, or sha256 of the file."""
    return package_version(spec) if spec == BETTER_PROFANITY else file_digest(spec)


def _longest_first(entry: str) -> tuple[int, str]:
    return -len(entry), entry
