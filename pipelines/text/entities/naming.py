"""Steps that write types for names: "Harrison Ford and Calista Flockhart" -> "actors".

Source: Sharma et al. 2018, section 3; Changpinyo et al. 2021, section 3.2, for `<PERSON>`.
"""

from pipelines.text.entities.graph import Graph
from pipelines.text.entities.kinds import (
    NAME,
    NAMED,
    PERSON_TOKEN,
    PLACE,
    TITLE,
    is_entity,
    is_person,
    is_place,
)
from pipelines.text.entities.tidying import indefinite
from pipelines.text.entities.words import Word, Words

_UNRESOLVED = (NAME, PLACE, TITLE)
_AND = frozenset(("and", "&"))
_PLURALS = {"person": "people", "businessperson": "businesspeople", "man": "men", "woman": "women"}


def person_token(words: Words, graph: Graph) -> Words:
    """Write `<PERSON>` for each person and leave all else as it is."""
    return [
        word._replace(text=PERSON_TOKEN, kind=PERSON_TOKEN) if is_person(word.kind) else word
        for word in words
    ]


def hypernyms(words: Words, graph: Graph) -> Words:
    """Write the type for each entity, and one plural for a list of the same.

    An occupation before a person gives way to the type ("artist Duncan McKellar" -> "person"), of
    an address the first place stays, and a name that the graph does not know is removed with
    its preposition ("of Xanadu").
    """
    if all(word.is_plain() for word in words):
        return words
    named = _without_roles(_without_unresolved(_without_regions(words)), graph)
    return _in_plural([_typed(named, at) for at in range(len(named))])


def plural(kind: str) -> str:
    """The plural of a type: "cities", "film directors"."""
    head = kind.rpartition(" ")[2]
    return kind[: len(kind) - len(head)] + _PLURALS.get(head, _regular_plural(head))


def _regular_plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def _without_regions(words: Words) -> Words:
    """Of "Franklin, Tennessee", "Franklin"."""
    kept: Words = []
    at = 0
    while at < len(words):
        kept.append(words[at])
        at += 1
        while is_place(kept[-1].kind) and words[at].text == "," and is_place(words[at + 1].kind):
            at += 2
    return kept


def _without_unresolved(words: Words) -> Words:
    """Remove "of Xanadu", and of "the river Xanadu" the name; a name alone stays."""
    kept: Words = []
    for at, word in enumerate(words):
        lead = _lead(kept) if word.kind in _UNRESOLVED else None
        if lead is None or words[at + 1].tag == "POS":
            kept.append(word)
        else:
            del kept[lead:]
    return kept


def _lead(kept: Words) -> int | None:
    """Where the phrase begins that a name ends: at its preposition, or after "the river"."""
    first = len(kept)
    if first and kept[-1].text in NAMED:
        return first - 1
    if first > 1 and kept[-1].tag == "NN" and kept[-1].is_plain() and kept[-2].tag == "DT":
        return first
    while first and kept[first - 1].tag in ("DT", "JJ"):
        first -= 1
    return first - 1 if first and kept[first - 1].tag in ("IN", "TO") else None


def _without_roles(words: Words, graph: Graph) -> Words:
    """Remove "the former actor" before a person, but of "his wife Ann Lee" the name."""
    kept: Words = []
    for word in words:
        first = len(kept)
        while is_person(word.kind) and first and _is_role(kept[first - 1], graph):
            first -= 1
        if first < len(kept) and first and kept[first - 1].tag in ("PRP$", "POS"):
            continue
        while first < len(kept) and first and kept[first - 1].tag in ("DT", "JJ"):
            first -= 1
        lead = kept[first] if first < len(kept) else None
        kept[first:] = [word if lead is None else word._replace(is_spaced=lead.is_spaced)]
    return kept


def _is_role(word: Word, graph: Graph) -> bool:
    return word.is_plain() and (graph.is_role(word.text) or graph.is_role(word.text[:-1]))


def _typed(words: Words, at: int) -> Word:
    """The type as a word; "in Paris" becomes "in a city"."""
    word = words[at]
    if not is_entity(word.kind):
        return word
    is_bare = is_place(word.kind) and at > 0 and words[at - 1].tag in ("IN", "TO")
    text = f"{indefinite(word.kind)} {word.kind}" if is_bare else word.kind
    return word._replace(text=text, tag="NN")


def _in_plural(words: Words) -> Words:
    """Join the members of a list with the same head: "person, person and actor"."""
    joined: Words = []
    at = 0
    while at < len(words):
        end, kinds = _list_end(words, at)
        first = words[at]
        if len(kinds) > 1:
            kind = kinds[0] if len(set(kinds)) == 1 else kinds[0].rpartition(" ")[2]
            end_of_list = words[end - 1].end
            first = first._replace(text=plural(kind), tag="NNS", end=end_of_list, kind=kind)
        joined.append(first)
        at = end
    return joined


def _list_end(words: Words, at: int) -> tuple[int, list[str]]:
    """Where a list of one head that begins here ends, and the types in it."""
    kinds, end = [words[at].kind], at + 1
    while is_entity(kinds[0]):
        after = end
        while words[after].text in (",", *_AND) or (after > end and words[after].text == "the"):
            after += 1
        is_listed = after > end or words[end].kind == kinds[0]
        if not (is_listed and _is_same_head(words[after].kind, kinds[0])):
            break
        is_comma_alone = after == end + 1 and words[end].text == ","
        if is_comma_alone and (not is_person(kinds[0]) or _is_apposition(words, after)):
            break
        kinds.append(words[after].kind)
        end = after + 1
    return end, kinds


def _is_apposition(words: Words, at: int) -> bool:
    """Whether a comma follows, but no more of a list: "Kate, Duchess of Cambridge, arrives"."""
    if words[at + 1].text != ",":
        return False
    return words[at + 2].text not in _AND and not is_entity(words[at + 2].kind)


def _is_same_head(left: str, right: str) -> bool:
    return is_entity(left) and left.rpartition(" ")[2] == right.rpartition(" ")[2]


def unresolved(words: Words) -> int:
    """Names that are still there without a type."""
    return sum(word.kind in _UNRESOLVED for word in words)


def types(words: Words) -> list[str]:
    """Types of the entities, in order."""
    return [word.kind for word in words if is_entity(word.kind)]
