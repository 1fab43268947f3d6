"""What a chunk can be beside an entity of some type, and what those types mean."""

from functools import cache

DATE = "<date>"
DURATION = "<duration>"
MEASURE = "<measure>"
TITLE = "<title>"  # of a work, between quotation marks
ADJECTIVE = "<adjective>"  # "Pakistani"
NAME = "<name>"  # a proper noun that the graph does not resolve
PLACE = "<place>"  # such a noun where a place must be meant: "in Deauville, France"
PERSON_TOKEN = "<PERSON>"  # Source: Changpinyo et al. 2021, section 3.2

ANY_PERSON = "person"

NAMED = ("named", "called")  # before a name that says nothing of what bears it

PERSON_NOUNS = frozenset(
    (
        "person", "people", "actor", "actress", "artist", "singer", "musician", "author",
        "writer", "poet", "novelist", "playwright", "composer", "painter", "sculptor",
        "architect", "politician", "scientist", "physicist", "chemist", "biologist", "astronomer",
        "mathematician", "philosopher", "physician", "inventor", "explorer", "astronaut",
        "monarch", "saint", "commander", "leader", "officer", "player", "athlete",
        "boxer", "golfer", "dancer", "comedian", "director", "producer", "journalist",
        "photographer", "cartoonist", "designer", "businessperson", "celebrity", "model",
        "footballer", "cricketer", "swimmer", "cyclist", "wrestler", "driver", "coach", "rapper",
        "guitarist",
    )
)  # fmt: skip
_PLACE_NOUNS = frozenset(
    (
        "city", "town", "village", "neighborhood", "borough", "suburb", "country", "state",
        "county", "region", "province", "district", "continent", "island", "archipelago", "river",
        "lake", "ocean", "sea", "bay", "strait", "waterfall", "volcano", "mountain", "range",
        "hill", "valley", "canyon", "desert", "peninsula", "cape", "plateau", "forest", "glacier",
        "beach", "park", "street", "road", "canal", "hotel", "municipality", "comune", "capital",
    )
)  # fmt: skip


@cache
def is_entity(kind: str) -> bool:
    """Whether it is a type of the graph."""
    return bool(kind) and not kind.startswith("<")


@cache
def is_person(kind: str) -> bool:
    """Whether a type means people, whatever graph it is from: its last word tells."""
    return is_entity(kind) and kind.rpartition(" ")[2] in PERSON_NOUNS


@cache
def is_place(kind: str) -> bool:
    """Whether a chunk can be left out with "in" before it; museums and stadiums can not.

    Source: Sharma et al. 2018, figures 1 and 2: a city, a country and a hotel are.
    """
    return kind == PLACE or (is_entity(kind) and kind.rpartition(" ")[2] in _PLACE_NOUNS)
