"""What a chunk can be other than an entity of some type, and what those types mean."""

from functools import cache

from pipelines.text.entities.ontology import EntityClass, load_ontology

DATE = "<date>"
DURATION = "<duration>"
MEASURE = "<measure>"
TITLE = "<title>"  # of a work, between quotation marks
ADJECTIVE = "<adjective>"  # "Pakistani"
NAME = "<name>"  # a proper noun that the graph does not resolve
PLACE = "<place>"  # such a noun where a place must be meant: "in Deauville, France"
PERSON_TOKEN = "<PERSON>"  # Source: Changpinyo et al. 2021, section 3.2

ANY_PERSON = "person"

NAMED = ("named", "called")  # before a name that does not say what is named

# Types that code, not only the table of types, gives to a name.
AIRCRAFT, AUTOMOBILE, AUTOMOBILE_MAKE = "aircraft", "automobile", "automobile make"
CITY, SPORTS_TEAM, US_STATE = "city", "sports team", "us state"

PERSON_NOUNS = load_ontology().nouns(EntityClass.PERSON)
_PLACE_NOUNS = load_ontology().nouns(EntityClass.LOCATION)


@cache
def is_entity(kind: str) -> bool:
    """Whether it is a type of the graph."""
    return bool(kind) and not kind.startswith("<")


@cache
def is_person(kind: str) -> bool:
    """Whether a type means people, whatever graph it is from; its last word decides."""
    return is_entity(kind) and kind.rpartition(" ")[2] in PERSON_NOUNS


@cache
def is_place(kind: str) -> bool:
    """Whether a chunk can be left out with "in" before it; museums and stadiums can not.

    Source: Sharma et al. 2018, figures 1 and 2: a city, a country and a hotel are.
    """
    return kind == PLACE or (is_entity(kind) and kind.rpartition(" ")[2] in _PLACE_NOUNS)
