"""Matchers of names: each finds what the words from a position on may name, and where it ends."""

from collections.abc import Callable
from typing import NamedTuple

from pipelines.text.entities.graph import NameKind, first_word
from pipelines.text.entities.heads import (
    AIRCRAFT_MAKES,
    CLUBS,
    FIRST_HEADS,
    HEADS,
    TITLES,
    TITLES_BEFORE_TITLES,
    is_first_head,
)
from pipelines.text.entities.kinds import (
    ADJECTIVE,
    AIRCRAFT,
    ANY_PERSON,
    AUTOMOBILE,
    AUTOMOBILE_MAKE,
    SPORTS_TEAM,
    is_place,
)
from pipelines.text.entities.sentence import GIVEN, PERSON_PARTS, Sentence


class EntityMatch(NamedTuple):
    """A name that one matcher found.

    Args:
        end: index of the first word after it.
        kind: an entity's type, or one of `pipelines.text.entities.kinds`.
    """

    end: int
    kind: str


def by_graph(sentence: Sentence, at: int) -> EntityMatch | None:
    """The longest entity of the graph that begins here, as written."""
    words, start = sentence.words, sentence.words[at].start
    longest = sentence.graph.longest.get(first_word(words[at].text))
    if longest is None:
        return None
    found = None
    is_alone_enough = sentence.is_name(at)
    for end in range(at + 1, len(words)):
        last = words[end - 1]
        if last.end - start > longest or last.kind:
            break
        kind = sentence.graph.types.get(sentence.text[start : last.end])
        if kind and (is_alone_enough or end > at + 1):
            found = EntityMatch(end, kind)
    return found


def by_head(sentence: Sentence, at: int) -> EntityMatch | None:
    """A name that ends in what it names, or that begins with it: "University of Oxford"."""
    if sentence.is_title_case:
        return None
    words, end = sentence.words, sentence.run_end(at, through_possessives=True)
    before_of = words[end].text == "of"
    if before_of and is_first_head(words[end - 1].text, is_before_of=True):
        after = end + 2 if words[end + 1].text == "the" else end + 1
        if sentence.is_name(after):
            return EntityMatch(sentence.run_end(after), FIRST_HEADS[words[end - 1].text])
    for last in range(end, at + 1, -1):
        if words[last - 1].text in HEADS:
            return EntityMatch(last, HEADS[words[last - 1].text])
    if end > at + 1 and is_first_head(words[at].text, is_before_of=False):
        return EntityMatch(end, FIRST_HEADS[words[at].text])
    return None


def by_club(sentence: Sentence, at: int) -> EntityMatch | None:
    """A team named by its city: "Real Madrid"."""
    if sentence.words[at].text not in CLUBS or not sentence.is_name(at + 1):
        return None
    city = by_graph(sentence, at + 1)
    return EntityMatch(city.end, SPORTS_TEAM) if city and is_place(city.kind) else None


def by_model(sentence: Sentence, at: int) -> EntityMatch | None:
    """A make with what it is called, or one of it: "Boeing 747", "Toyota Corolla", "a Ferrari"."""
    word, model = sentence.words[at].text, sentence.words[at + 1]
    is_numbered = any(letter.isdigit() for letter in model.text)
    if word in AIRCRAFT_MAKES and is_numbered:
        return EntityMatch(at + 2, AIRCRAFT)
    is_titled = model.text in TITLES or model.text in HEADS or sentence.graph.is_role(model.text)
    is_called = sentence.is_name(at + 1) and model.text.istitle() and not is_titled
    if sentence.graph.types.get(word) != AUTOMOBILE_MAKE:
        return None
    if is_numbered or is_called:
        return EntityMatch(at + 2, AUTOMOBILE)
    is_one = at > 0 and sentence.words[at - 1].text.lower() in ("a", "an")
    return EntityMatch(at + 1, AUTOMOBILE) if is_one and model.tag not in ("NN", "NNS") else None


def by_title(sentence: Sentence, at: int) -> EntityMatch | None:
    """Such as "Prime Minister Theresa May" and "Mr. Darcy"."""
    words, first = sentence.words, at
    if words[at].text in TITLES_BEFORE_TITLES and words[at + 1].text in TITLES:
        first = at + 1
    kind = TITLES.get(words[first].text.rstrip("."))
    is_capital = sentence.is_name(first + 1) if kind else False
    return EntityMatch(sentence.person_end(first + 1), kind) if kind and is_capital else None


def by_given_name(sentence: Sentence, at: int) -> EntityMatch | None:
    """A known given name with what follows, or a known name alone within a sentence."""
    kind = sentence.kind(at)
    end = sentence.person_end(at)
    is_surname = end > at + 1 and sentence.kind(end - 1) in (NameKind.SURNAME, *GIVEN)
    if sentence.is_title_case:
        return (
            EntityMatch(end, ANY_PERSON) if kind in GIVEN and is_surname and end == at + 2 else None
        )
    is_place_too = is_place(sentence.graph.types.get(sentence.words[at].text, ""))
    is_doubtful = is_place_too or sentence.is_after_article(at)
    if kind in GIVEN and end > at + 1 and (is_surname or not is_doubtful):
        return EntityMatch(end, ANY_PERSON)
    is_name = kind == NameKind.GIVEN or (kind in PERSON_PARTS and sentence.is_inside(at))
    is_alone = is_name and not sentence.is_in_place(at) and not _is_of_a_thing(sentence, at)
    return EntityMatch(at + 1, ANY_PERSON) if is_alone else None


def _is_of_a_thing(sentence: Sentence, at: int) -> bool:
    """Whether one word is no one's name: "a Christmas tree", "blue Star", "Ward hierarchical"."""
    before, after = sentence.words[at - 1], sentence.words[at + 1]
    if sentence.is_after_article(at) or after.tag == "JJ":
        return True
    is_modified = before.tag in ("JJ", "NN", "NNP") and not sentence.graph.is_role(before.text)
    return is_modified and sentence.kind(at) != NameKind.GIVEN


def by_surname(sentence: Sentence, at: int) -> EntityMatch | None:
    """Such as "Calista Flockhart", "J. Turner", and any two words after "by" or "artist"."""
    end = sentence.person_end(at)
    if sentence.is_title_case or not at + 2 <= end <= at + 4 or sentence.is_in_place(at):
        return None
    before = sentence.words[at - 1].text if at else ""
    is_initial = len(sentence.words[at].text.rstrip(".")) == 1
    is_called = before.lower() == "by" or sentence.graph.is_role(before)
    last = sentence.words[end - 1].text
    is_surname = sentence.kind(end - 1) == NameKind.SURNAME and last not in sentence.graph.types
    is_person = is_called or is_initial or is_surname
    return (
        EntityMatch(end, ANY_PERSON) if is_person and not sentence.graph.is_common(last) else None
    )


def by_adjective(sentence: Sentence, at: int) -> EntityMatch | None:
    """A proper adjective: "Pakistani"."""
    return EntityMatch(at + 1, ADJECTIVE) if sentence.kind(at) == NameKind.ADJECTIVE else None


MATCHERS: tuple[Callable[[Sentence, int], EntityMatch | None], ...] = (
    by_model,
    by_graph,
    by_head,
    by_club,
    by_title,
    by_given_name,
    by_surname,
    by_adjective,
)
