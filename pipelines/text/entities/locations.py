"""The step that leaves out where something is: "in Bristol, UK".

Source: Sharma et al. 2018, section 3, "preposition-based locations"; the prepositions are chosen.
"""

from pipelines.text.entities.dropping import is_before_noun
from pipelines.text.entities.graph import Graph
from pipelines.text.entities.kinds import is_entity, is_person, is_place
from pipelines.text.entities.words import Word, Words

_OF_PLACES = frozenset(
    (
        "in", "at", "near", "from", "outside", "inside", "around", "along", "across", "off", "on",
        "throughout", "within",
    )
)  # fmt: skip
_NEAR_PLACES = frozenset(
    (
        "downtown", "central", "north", "south", "east", "west", "northern", "southern",
        "eastern", "western", "upper", "lower", "inner", "old", "midtown", "nearby", "rural",
    )
)  # fmt: skip


def drop_locations(words: Words, graph: Graph) -> Words:
    """Drop "in Bristol, UK" and the place in "on the beach, Hawaii".

    A place after "of", "to" or "over" stays: the sentence needs it.
    """
    if not any(is_place(word.kind) for word in words):
        return words
    kept: Words = []
    at = 0
    while at < len(words):
        end = _place_end(words, at)
        first = _place_start(kept, words[end]) if end > at else None
        if first is not None and _is_attached(words, end, graph):
            first = None
        if first is None:
            kept.append(words[at])
            at += 1
        else:
            del kept[first:]
            at = end
    return kept


def _place_end(words: Words, at: int) -> int:
    """Where a list of places that begins here ends; `at` where none does."""
    end = at
    while is_place(words[end].kind):
        end += 1
        joint = words[end].text
        if joint in (",", "and", "or", "/") and is_place(words[end + 1].kind):
            end += 1
    return at if words[end].tag == "POS" else end


def _is_attached(words: Words, end: int, graph: Graph) -> bool:
    """Whether what ends here belongs to what follows: "London" of "the London Olympic Games"."""
    after = words[end].kind
    is_name = is_entity(after) and not is_person(after)
    return is_name or is_before_noun(words, end - 1, graph)


def _place_start(kept: Words, after: Word) -> int | None:
    """Where the phrase of a place begins in what precedes it; None where it must stay."""
    first = len(kept)
    while first and (kept[first - 1].tag == "DT" or kept[first - 1].text.lower() in _NEAR_PLACES):
        first -= 1
    if first and kept[first - 1].text.lower() in _OF_PLACES:
        return first - 1
    if first and kept[first - 1].text == "(" and after.text == ")":
        return first
    is_last = after.tag in ("END", ".", ",", ":", "-RRB-", "''")
    return first - 1 if first > 1 and kept[first - 1].text == "," and is_last else None
