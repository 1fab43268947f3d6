"""Named entities of a caption: the longest reading of a run of capitals that some source supports.

At each word that can begin a name the readings compete: an entity of the graph as written, a head
word ("... Festival"), a title ("Dr ..."), a given name with what follows. The longest wins, and of
equally long ones the first. What no reading covers is a name without a type. In a caption where
Every Word Is Capitalised a capital says nothing: only the graph and whole names of people count.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.captions.transform.graph import Graph, NameKind, first_word
from pipelines.captions.transform.heads import (
    FIRST_HEADS,
    HEADS,
    TITLES,
    TITLES_BEFORE_TITLES,
    US_CODES,
    is_first_head,
)
from pipelines.captions.transform.kinds import ADJECTIVE, ANY_PERSON, NAME, PLACE, is_place
from pipelines.captions.transform.words import Word, Words, merge

# Before a name that the graph does not know, these say that it is a place.
PLACE_PREPOSITIONS = frozenset(("in", "near", "outside", "around", "across", "throughout"))
_NAME_TAGS = frozenset(
    (
        "NNP", "NNPS", "NN", "NNS", "JJ", "JJS", "VB", "VBG", "VBN", "VBP", "VBD", "MD", "FW", "CD",
        "UH",
    )
)  # fmt: skip
_PARTICLES = frozenset(("de", "da", "di", "del", "della", "der", "van", "von", "bin", "al", "la"))
_LONGEST_PERSON = 4  # words after a given name or a title
_TITLE_CASE_WORDS = 3  # chosen: fewer capitalised words than these may all be names
_GIVEN = (NameKind.GIVEN, NameKind.GIVEN_OR_WORD)
_NAMES = (*_GIVEN, NameKind.SURNAME)
_SUFFIXES = frozenset(("Jr", "Jr.", "Sr", "Sr.", "II", "III", "IV"))

Reading = tuple[int, str]  # where it ends, and its kind


@dataclass(frozen=True)
class _Caption:
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
        word = self.words[at]
        kind = self.graph.names.get(word.text)
        if kind == NameKind.GIVEN_OR_WORD:
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


def recognise(text: str, words: Words, graph: Graph) -> Words:
    """Merge the words of each name into one that carries its type.

    Args:
        text: the caption.
        words: as read from it; merged chunks are left alone.
        graph: entities and the parts of names.

    Returns:
        Words whose `kind` is an entity's type, `ADJECTIVE`, `PLACE` or `NAME`.
    """
    caption = _Caption(text, words, graph, _is_title_case(words, graph))
    merged: Words = []
    at = 0
    while at < len(words):
        text = words[at].text
        can_begin = not words[at].kind and (text[:1].isupper() or text in graph.longest)
        end, kind = _best(caption, at) if can_begin else (at + 1, "")
        merged.append(merge(caption.text, words[at:end], kind) if kind else words[at])
        at = end
    return _with_places(merged, graph)


def _best(caption: _Caption, at: int) -> Reading:
    word = caption.words[at]
    if not word.kind and not caption.is_name(at):
        return _by_graph(caption, at) or (at + 1, "")
    if word.kind or (_is_role_before_name(caption, at) and not _by_graph(caption, at)):
        return at + 1, ""
    readings = [found for reader in _READERS if (found := reader(caption, at))]
    best = max(readings, key=lambda found: found[0], default=None)  # max keeps the first of equals
    if best is None:
        return _rest(caption, at)
    first = readings[0]
    is_after_place = at > 0 and caption.words[at - 1].text.lower() in PLACE_PREPOSITIONS
    return first if is_after_place and is_place(first[1]) and best[1] == ANY_PERSON else best


def _by_graph(caption: _Caption, at: int) -> Reading | None:
    """The longest entity of the graph that begins here, as written."""
    words, start = caption.words, caption.words[at].start
    longest = caption.graph.longest.get(first_word(words[at].text))
    if longest is None:
        return None
    found = None
    is_alone_enough = caption.is_name(at)
    for end in range(at + 1, len(words)):
        last = words[end - 1]
        if last.end - start > longest or last.kind:
            break
        kind = caption.graph.types.get(caption.text[start : last.end])
        if kind and (is_alone_enough or end > at + 1):
            found = end, kind
    return found


def _by_head(caption: _Caption, at: int) -> Reading | None:
    """A name that ends in what it names, or that begins with it: "University of Oxford"."""
    if caption.is_title_case:
        return None
    words, end = caption.words, _run_end(caption, at, through_possessives=True)
    before_of = words[end].text == "of"
    if before_of and is_first_head(words[end - 1].text, is_before_of=True):
        after = end + 2 if words[end + 1].text == "the" else end + 1
        if caption.is_name(after):
            return _run_end(caption, after), FIRST_HEADS[words[end - 1].text]
    for last in range(end, at + 1, -1):
        if words[last - 1].text in HEADS:
            return last, HEADS[words[last - 1].text]
    if end > at + 1 and is_first_head(words[at].text, is_before_of=False):
        return end, FIRST_HEADS[words[at].text]
    return None


def _by_title(caption: _Caption, at: int) -> Reading | None:
    """Such as "Prime Minister Theresa May" and "Mr. Darcy"."""
    words, first = caption.words, at
    if words[at].text in TITLES_BEFORE_TITLES and words[at + 1].text in TITLES:
        first = at + 1
    kind = TITLES.get(words[first].text.rstrip("."))
    is_capital = caption.is_name(first + 1) if kind else False
    return (_person_end(caption, first + 1), kind) if kind and is_capital else None


def _by_given_name(caption: _Caption, at: int) -> Reading | None:
    kind = caption.kind(at)
    end = _person_end(caption, at)
    is_surname = end > at + 1 and caption.kind(end - 1) in (NameKind.SURNAME, *_GIVEN)
    if caption.is_title_case:
        return (end, ANY_PERSON) if kind in _GIVEN and is_surname and end == at + 2 else None
    is_place_too = caption.words[at].text in caption.graph.types
    if kind in _GIVEN and end > at + 1 and (is_surname or not is_place_too):
        return end, ANY_PERSON
    if kind == NameKind.GIVEN or (kind in _NAMES and caption.is_inside(at)):
        return None if _is_in_place(caption, at) else (at + 1, ANY_PERSON)
    return None


def _by_surname(caption: _Caption, at: int) -> Reading | None:
    """Such as "Calista Flockhart", "J. Turner", and any two words after "by" or "artist"."""
    end = _person_end(caption, at)
    if caption.is_title_case or not at + 2 <= end <= at + 4 or _is_in_place(caption, at):
        return None
    before = caption.words[at - 1].text if at else ""
    is_initial = len(caption.words[at].text.rstrip(".")) == 1
    is_called = before.lower() == "by" or caption.graph.is_role(before)
    last = caption.words[end - 1].text
    is_surname = caption.kind(end - 1) == NameKind.SURNAME and last not in caption.graph.types
    is_person = is_called or is_initial or is_surname
    is_person = is_person and not all(map(caption.graph.is_common, last.split()))
    return (end, ANY_PERSON) if is_person else None


def _by_adjective(caption: _Caption, at: int) -> Reading | None:
    return (at + 1, ADJECTIVE) if caption.kind(at) == NameKind.ADJECTIVE else None


_READERS: tuple[Callable[[_Caption, int], Reading | None], ...] = (
    _by_graph,
    _by_head,
    _by_title,
    _by_given_name,
    _by_surname,
    _by_adjective,
)


def _rest(caption: _Caption, at: int) -> Reading:
    """A name without a type, up to the end of its run or the next word that has one."""
    word = caption.words[at]
    if caption.is_title_case or caption.graph.is_role(word.text) or word.text in HEADS:
        return at + 1, ""
    end = at + 1
    while end < _run_end(caption, at) and not _by_graph(caption, end):
        end += 1
    if _is_common(caption, at, end):
        return at + 1, ""
    return end, NAME


def _is_common(caption: _Caption, at: int, end: int) -> bool:
    """As in "marshmallow on a Stick", but not in "an Apple store" or "an Air France jet"."""
    if not all(caption.graph.is_common(word.text) for word in caption.words[at:end]):
        return False
    before, after = caption.words[at - 1 if at else 0], caption.words[end]
    is_modifier = after.tag in ("NN", "NNS") or after.text[:1].isupper()
    return not is_modifier or before.text == ","


def _run_end(caption: _Caption, at: int, through_possessives: bool = False) -> int:
    """Where the capitals that follow each other end; a number or "&" may stand between."""
    words, end = caption.words, at + 1
    while end < len(words) - 1:
        is_joint = words[end].text == "&" or words[end].text in _PARTICLES
        joins = is_joint or (through_possessives and words[end].tag == "POS")
        if caption.is_name(end) or (words[end].tag == "CD" and not words[end].kind):
            end += 1
        elif joins and caption.is_name(end + 1):
            end += 2
        else:
            break
    return end


def _person_end(caption: _Caption, at: int) -> int:
    """Where a person's name ends that has its first word here: initials and particles belong."""
    words, end = caption.words, at + 1
    while end - at < _LONGEST_PERSON:
        after = end
        while words[after].text.lower() in _PARTICLES:
            after += 1
        is_word = words[after].text.rstrip(".").replace("-", "").isalpha()
        if not (is_word and caption.is_name(after)):
            break
        end = after + 1
    return end + (words[end].text in _SUFFIXES)


def _is_role_before_name(caption: _Caption, at: int) -> bool:
    """Whether the word is the "Musician" of "Musician Justin Timberlake"."""
    word = caption.words[at]
    if word.text in TITLES or not caption.graph.is_role(word.text) or not caption.is_name(at + 1):
        return False
    return not caption.is_inside(at) or caption.kind(at + 1) in _GIVEN


def _is_in_place(caption: _Caption, at: int) -> bool:
    return at > 0 and caption.words[at - 1].text.lower() in PLACE_PREPOSITIONS


def _with_places(words: Words, graph: Graph) -> Words:
    """Names that stand where only a place can: "in Deauville", "Franklin, Tennessee"."""
    placed = list(words)
    for at in range(len(placed) - 2, -1, -1):  # from the end, for "Soho, Deauville, France"
        word = placed[at]
        if word.kind in (NAME, ANY_PERSON) and _is_before_place(placed, at):
            placed[at] = word._replace(kind=graph.types.get(word.text, "city"))
        elif word.kind == NAME and at and placed[at - 1].text.lower() in PLACE_PREPOSITIONS:
            placed[at] = word._replace(kind=PLACE)
    return [_with_code(placed, at) for at in range(len(placed))]


def _is_before_place(words: Words, at: int) -> bool:
    """Whether "France" or "TN" follows after a comma; a whole name of a person may well be one."""
    is_person = words[at].kind == ANY_PERSON and " " in words[at].text
    if is_person or words[at + 1].text != "," or at + 2 >= len(words):
        return False
    after = words[at + 2]
    return is_place(after.kind) or after.text in US_CODES


def _with_code(words: Words, at: int) -> Word:
    """The word, or the state that it is the code of: "TN" of "Franklin, TN"."""
    word = words[at]
    is_after_place = at > 1 and words[at - 1].text == "," and is_place(words[at - 2].kind)
    return word._replace(kind="us state") if is_after_place and word.text in US_CODES else word


def _is_title_case(words: Words, graph: Graph) -> bool:
    """Whether all words of some length have a capital, and most of them are parts of no name."""
    long = [word.text for word in words[1:] if len(word.text) > 3 and word.text.isalpha()]
    if len(long) < _TITLE_CASE_WORDS or any(text[0].islower() for text in long):
        return False
    known = sum(
        text in HEADS or text in TITLES or text in graph.longest
        or graph.names.get(text) in (*_NAMES, NameKind.ADJECTIVE)
        for text in long
    )  # fmt: skip
    return known < len(long) / 2
