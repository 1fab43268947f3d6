"""Named entities of a caption: the longest match of a run of capitals that some source supports.

At each word that can begin a name the matchers compete: an entity of the graph as written, a head
word ("... Festival"), a title ("Dr ..."), a given name with what follows. The longest wins, and of
equally long ones the first. What no matcher finds is a name without a type. In a caption where
Every Word Is Capitalised a capital is no evidence: only the graph and whole names of people count.
"""

from pipelines.text.entities.graph import Graph
from pipelines.text.entities.heads import HEADS, TITLES, US_CODES
from pipelines.text.entities.kinds import ANY_PERSON, CITY, NAME, PLACE, US_STATE, is_place
from pipelines.text.entities.matches import MATCHERS, EntityMatch, by_graph
from pipelines.text.entities.sentence import GIVEN, PLACE_PREPOSITIONS, Sentence, is_title_case
from pipelines.text.entities.words import Words, merge


def recognise(text: str, words: Words, graph: Graph) -> Words:
    """Merge the words of each name into one that carries its type.

    Args:
        text: the caption.
        words: as read from it; merged chunks are left alone.
        graph: entities and the parts of names.

    Returns:
        Words whose `kind` is an entity's type, `ADJECTIVE`, `PLACE` or `NAME`.
    """
    sentence = Sentence(text, words, graph, is_title_case(words, graph))
    merged: Words = []
    at = 0
    while at < len(words):
        word = words[at]
        can_begin = word.is_plain() and (word.text[:1].isupper() or word.text in graph.longest)
        end, kind = _best(sentence, at) if can_begin else (at + 1, "")
        merged.append(merge(text, words[at:end], kind) if kind else word)
        at = end
    return _with_places(merged, graph)


def _best(sentence: Sentence, at: int) -> EntityMatch:
    """The longest match from here on; one word without a kind where it begins no name."""
    if not sentence.is_name(at) or _is_role_before_name(sentence, at):
        return by_graph(sentence, at) or EntityMatch(at + 1, "")
    matches = [found for matcher in MATCHERS if (found := matcher(sentence, at))]
    best = max(matches, key=lambda match: match.end, default=None)  # max keeps the first of equals
    if best is None:
        return _rest(sentence, at)
    return _person_or_place(sentence, at, matches[0], best)


def _person_or_place(
    sentence: Sentence, at: int, first: EntityMatch, best: EntityMatch
) -> EntityMatch:
    """Of "Paris Hilton" and "Charlotte smiles" a person, in "near Paris" a place."""
    if not is_place(first.kind):
        return best
    if sentence.is_in_place(at):
        return first if best.kind == ANY_PERSON else best
    is_acting = sentence.kind(at) in GIVEN and sentence.words[at + 1].tag in ("VBZ", "VBD")
    return EntityMatch(at + 1, ANY_PERSON) if is_acting and best.end == at + 1 else best


def _rest(sentence: Sentence, at: int) -> EntityMatch:
    """A name without a type, up to the end of its run or the next word that has one."""
    word = sentence.words[at]
    if sentence.is_title_case or sentence.graph.is_role(word.text) or word.text in HEADS:
        return EntityMatch(at + 1, "")
    end, end_of_run = at + 1, sentence.run_end(at)
    while end < end_of_run and not by_graph(sentence, end):
        end += 1
    if _is_common(sentence, at, end):
        return EntityMatch(at + 1, "")
    return EntityMatch(end, NAME)


def _is_common(sentence: Sentence, at: int, end: int) -> bool:
    """As in "marshmallow on a Stick", but not in "an Apple store" or "an Air France jet"."""
    if not all(sentence.graph.is_common(word.text) for word in sentence.words[at:end]):
        return False
    before, after = sentence.words[at - 1 if at else 0], sentence.words[end]
    is_modifier = after.tag in ("NN", "NNS") or after.text[:1].isupper()
    return not is_modifier or before.text == ","


def _is_role_before_name(sentence: Sentence, at: int) -> bool:
    """Whether the word is the "Musician" of "Musician Justin Timberlake"."""
    word = sentence.words[at]
    if word.text in TITLES or not sentence.graph.is_role(word.text) or not sentence.is_name(at + 1):
        return False
    return not sentence.is_inside(at) or sentence.kind(at + 1) in GIVEN


def _with_places(words: Words, graph: Graph) -> Words:
    """Names in positions where only a place can be: "in Deauville", "Franklin, Tennessee"."""
    placed = list(words)
    for at in range(len(placed) - 2, -1, -1):  # from the end, for "Soho, Deauville, France"
        word = placed[at]
        if word.kind in (NAME, ANY_PERSON) and _is_before_place(placed, at):
            placed[at] = word._replace(kind=graph.types.get(word.text, CITY))
        elif word.kind == NAME and at and placed[at - 1].text.lower() in PLACE_PREPOSITIONS:
            placed[at] = word._replace(kind=PLACE)
    return [
        word._replace(kind=US_STATE) if word.text in US_CODES and _is_code(placed, at) else word
        for at, word in enumerate(placed)
    ]


def _is_before_place(words: Words, at: int) -> bool:
    """Whether "France" or "TN" follows after a comma; a whole name of a person may well be one."""
    is_person = words[at].kind == ANY_PERSON and " " in words[at].text
    if is_person or words[at + 1].text != "," or at + 2 >= len(words):
        return False
    after = words[at + 2]
    return is_place(after.kind) or after.text in US_CODES


def _is_code(words: Words, at: int) -> bool:
    """Whether the word is the "TN" of "Franklin, TN"."""
    return at > 1 and words[at - 1].text == "," and is_place(words[at - 2].kind)
