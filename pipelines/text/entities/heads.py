"""Words of a name that reveal what it names. Chosen: those common in captions, by reading them."""

from collections.abc import Mapping

from pipelines.text.entities.ontology import load_ontology

HEADS: Mapping[str, str] = load_ontology().last_words  # "Glastonbury Festival": last word -> type
FIRST_HEADS: Mapping[str, str] = load_ontology().first_words  # "Mount Fuji": first word -> type
TITLES: Mapping[str, str] = load_ontology().titles  # "President Obama": title -> type of its bearer
# "Real Madrid": what precedes a city in the names of teams.
CLUBS = frozenset(
    (
        "AC", "AFC", "AS", "Athletic", "Atletico", "Atl\u00e9tico", "Bayern", "Borussia", "CF",
        "Dinamo", "Dynamo", "FC", "Inter", "Lokomotiv", "Olympique", "RB", "Real", "SC", "Spartak",
    )
)  # fmt: skip
AIRCRAFT_MAKES = frozenset(("Airbus", "Antonov", "Boeing", "Bombardier", "Cessna", "Embraer"))

TITLES_BEFORE_TITLES = frozenset(("Prime", "Vice", "Deputy", "Crown"))


def is_first_head(word: str, is_before_of: bool) -> bool:
    """Whether a name that begins so is typed by its beginning."""
    return word in FIRST_HEADS and (is_before_of or word not in load_ontology().first_before_of)


# Source: USPS publication 28, appendix B, the states and the District of Columbia.
US_CODES = frozenset(
    (
        "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN",
        "IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH",
        "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT",
        "VT", "VA", "WA", "WV", "WI", "WY",
    )
)  # fmt: skip
