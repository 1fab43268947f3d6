"""Which words name one of some WordNet synsets by their first sense, each word asked once.

A word's first sense is that of NLTK 3.8.1, which DataComp pins: the first base form that `morphy`
finds among nouns, then verbs, adjectives and adverbs. Like DataComp's code it compares offsets
alone, so a verb whose offset is that of a listed noun counts as one.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from dalle_model import files
from pipelines.select.lists import ListError, array_in, is_array, loaded, read_list

# Endings that `morphy` replaces, by file. Source: WordNet 3.0, morphy(7WN), and NLTK 3.8.1.
_ENDINGS = {
    "noun": "s: ses:s ves:f xes:x zes:z ches:ch shes:sh men:man ies:y",
    "verb": "s: ies:y es:e es: ed:e ed: ing:e ing:",
    "adj": "er: est: er:e est:e",
    "adv": "",
}
_NAMES = [f"index.{part}" for part in _ENDINGS] + [f"{part}.exc" for part in _ENDINGS]
_MOST_KNOWN = 1_000_000  # words; chosen: some 100 MB, above which they are asked again
_T = TypeVar("_T")


class _PartOfSpeech(NamedTuple):
    """Nouns, or another kind.

    Args:
        senses: lemma -> offset of its first sense.
        exceptions: irregular form -> lemmas.
        endings: old and new ones.
    """

    senses: dict[str, int]
    exceptions: dict[str, list[str]]
    endings: list[tuple[str, str]]

    def first_sense(self, word: str) -> int | None:
        """The first sense of the first base form that is known; None where none is."""
        if word in self.exceptions:
            return self._known([word, *self.exceptions[word]])
        forms = self._shorter([word])
        found = self._known([word, *forms])
        while found is None and forms:
            forms = self._shorter(forms)
            found = self._known(forms)
        return found

    def _known(self, forms: list[str]) -> int | None:
        return next((self.senses[form] for form in forms if form in self.senses), None)

    def _shorter(self, forms: list[str]) -> list[str]:
        return [f[: -len(o)] + n for f in forms for o, n in self.endings if f.endswith(o)]


class NamedSynsets:
    """Whether words name a synset of a list.

    Args:
        wordnet: URL of the folder of WordNet.
        synsets: URL of the list.

    Raises:
        ListError: a file is missing, or damaged.
    """

    def __init__(self, wordnet: str, synsets: str) -> None:
        self._parts = [_part_of_speech(wordnet, name) for name in _ENDINGS]
        self._listed = offsets_in(synsets)
        self._known: dict[str, bool] = {}

    def names_one(self, caption: str) -> bool:
        """Whether a word of a caption does; words are what is between white space."""
        known = self._known
        for word in caption.split():
            named = known.get(word)
            if named is None:
                named = self._ask(word)
            if named:
                return True
        return False

    def _ask(self, word: str) -> bool:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[word] = named = self.first_sense(word) in self._listed
        return named

    def first_sense(self, word: str) -> int | None:
        """The offset of a word's first sense; None where WordNet does not have it."""
        word = word.lower()
        senses = (part.first_sense(word) for part in self._parts)
        return next((sense for sense in senses if sense is not None), None)


def named_synsets(wordnet: str, synsets: str) -> NamedSynsets:
    """The same, loaded once in a process; raises as it does."""
    return loaded(NamedSynsets, wordnet, synsets, depends_on=[*wordnet_files(wordnet), synsets])


def wordnet_files(folder: str) -> list[str]:
    """URLs of the files that are read of WordNet."""
    return [files.join(folder, name) for name in _NAMES]


def offsets_in(url: str) -> frozenset[int]:
    """The offsets of a list of synsets, such as `n02084071` or `2084071`.

    Raises:
        ListError: it is not there, or not such a list.
    """
    content = read_list(url, "synsets")
    if is_array(content):
        return frozenset(array_in(content, url, "synsets").ravel().tolist())
    try:
        return frozenset(int(line.lstrip("nvasr")) for line in content.decode().split())
    except ValueError as error:
        raise ListError(
            f"{url} is no list of synsets: {error}; give ids such as n02084071, one a line"
        ) from error


def _part_of_speech(folder: str, name: str) -> _PartOfSpeech:
    exceptions = dict(_lines(folder, f"{name}.exc", lambda fields: (fields[0], fields[1:])))
    endings = [ending.split(":") for ending in _ENDINGS[name].split()]
    senses = dict(_lines(folder, f"index.{name}", _first_sense))
    return _PartOfSpeech(senses, exceptions, [(old, new) for old, new in endings])


def _first_sense(fields: list[str]) -> tuple[str, int]:
    """Source: wndb(5WN): lemma, part, senses, pointers, those, senses, tagged, offsets."""
    return fields[0], int(fields[6 + int(fields[3])])


def _lines(folder: str, name: str, read: Callable[[list[str]], _T]) -> Iterator[_T]:
    url = files.join(folder, name)
    lines = read_list(url, "wordnet").decode().splitlines()
    try:
        yield from (read(line.split()) for line in lines if line and not line.startswith(" "))
    except (IndexError, ValueError) as error:
        raise ListError(f"{url} is no file of WordNet 3.0: {error}") from error
