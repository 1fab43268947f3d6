"""A caption as the recogniser sees it: which words can be part of a name, and where names end."""

from dataclasses import dataclass

from pipelines.text.entities.graph import Graph, NameKind
from pipelines.text.entities.heads import FIRST_HEADS, HEADS, TITLES, TITLES_BEFORE_TITLES
from pipelines.text.entities.words import Words

# Before a name that the graph does not know, these say that it is a place.
PLACE_PREPOSITIONS = frozenset(("in", "near", "outside", "around", "across", "throughout"))
GIVEN = (NameKind.GIVEN, NameKind.GIVEN_OR_WORD)
PERSON_PARTS = (*GIVEN, NameKind.SURNAME)
_NAME_TAGS = frozenset(
    (
        "NNP", "NNPS", "NN", "NNS", "JJ", "JJS", "VB", "VBG", "VBN", "VBP", "VBD", "MD", "FW", "CD",
        "UH",
    )
)  # fmt: skip
_PARTICLES = frozenset(("de", "da", "di", "del", "della", "der", "van", "von", "bin", "al", "la"))
_LONGEST_NAME = 12  # words; chosen: more is a caption in capitals
_LONGEST_PERSON = 4  # words after a given name or a title
_TITLE_CASE_WORDS = 3  # chosen: fewer capitalised words than these may all be names
_SUFFIXES = frozenset(("Jr", "Jr.", "Sr", "Sr.", "II", "III", "IV"))


@dataclass(frozen=True)
class Sentence:
    """A tagged caption.

    Args:
        text: as found.
        words: of it, with chunks that are merged already.
        graph: entities and the parts of names.
        is_title_case: whether a capital is no evidence in it.
    """

    text: str
    words: Words
    graph: Graph
    is_title_case: bool

    def is_name(self, at: int) -> bool:
        """Whether the word can be part of a name."""
        word = self.words[at]
        if word.kind or not word.text[:1].isupper() or word.tag not in _NAME_TAGS:
            return False
        return self.is_inside(at) or self.is_name_at_start(at)

    def is_inside(self, at: int) -> bool:
        """Whether the word does not begin a sentence, where it would have a capital anyway."""
        return at > 0 and self.words[at - 1].tag not in (".", ":", "``", "''", "-LRB-")

    def is_name_at_start(self, at: int) -> bool:
        """Whether a word that would have a capital anyway can begin a name."""
        word = self.words[at]
        kind = self.graph.names.get(word.text)
        if kind == NameKind.GIVEN_OR_WORD and word.text not in self.graph.types:
            return self.words[at + 1].text[:1].isupper()
        is_known = kind is not None or word.text in self.graph.types or word.text in FIRST_HEADS
        is_title = word.text in TITLES or word.text in TITLES_BEFORE_TITLES
        if is_known or (is_title and self.words[at + 1].text[:1].isupper()):
            return True
        # The tagger takes many a first word for a name: "Sunset beach".
        return word.tag in ("NNP", "NNPS") and self.words[at + 1].text[:1].isupper()

    def kind(self, at: int) -> str:
        """What part of a name the graph knows the word to be."""
        text = self.words[at].text
        return self.graph.names.get(text) or self.graph.names.get(text.partition("-")[0], "")

    def run_end(self, at: int, through_possessives: bool = False) -> int:
        """Where the capitals that follow each other end; a number or "&" may be between."""
        words, end = self.words, at + 1
        while end < min(len(words) - 1, at + _LONGEST_NAME):
            is_joint = words[end].text == "&" or words[end].text in _PARTICLES
            joins = is_joint or (through_possessives and words[end].tag == "POS")
            if self.is_name(end) or (words[end].tag == "CD" and not words[end].kind):
                end += 1
            elif joins and self.is_name(end + 1):
                end += 2
            else:
                break
        return end

    def person_end(self, at: int) -> int:
        """Where a person's name ends that begins here; initials and particles belong to it."""
        words, end = self.words, at + 1
        while end - at < _LONGEST_PERSON:
            after = end
            while words[after].text.lower() in _PARTICLES:
                after += 1
            is_word = words[after].text.rstrip(".").replace("-", "").isalpha()
            if not (is_word and self.is_name(after)):
                break
            end = after + 1
        return end + (words[end].text in _SUFFIXES)

    def is_after_article(self, at: int) -> bool:
        """Whether "the" or "a" precedes it, as it precedes no one's name alone."""
        return at > 0 and self.words[at - 1].tag == "DT"

    def is_in_place(self, at: int) -> bool:
        """Whether a preposition of places precedes it: "near"."""
        return at > 0 and self.words[at - 1].text.lower() in PLACE_PREPOSITIONS


def is_title_case(words: Words, graph: Graph) -> bool:
    """Whether all words of some length have a capital, and most of them are part of no name."""
    long = [word.text for word in words[1:] if len(word.text) > 3 and word.text.isalpha()]
    if len(long) < _TITLE_CASE_WORDS or any(text[0].islower() for text in long):
        return False
    known = sum(
        text in HEADS or text in TITLES or text in graph.longest
        or graph.names.get(text) in (*PERSON_PARTS, NameKind.ADJECTIVE)
        for text in long
    )  # fmt: skip
    return known < len(long) / 2
