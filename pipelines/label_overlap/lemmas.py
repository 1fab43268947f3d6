"""The base forms that an English word may be of, by its ending alone.

WordNet's rules of detachment, without its dictionary: a word has every form that a rule gives, so
that two words match where they share one. What that takes too many for is rare among labels, which
are nouns. Source: WordNet 3.0, morphy(7WN), "Rules of Detachment".
"""

from functools import lru_cache

_RULES = (
    ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man"),
    ("ies", "y"), ("es", "e"), ("es", ""), ("s", ""), ("ed", "e"), ("ed", ""), ("ing", "e"),
    ("ing", ""), ("ves", "f"), ("ves", "fe"),
)  # fmt: skip
_LEAST = 3  # letters of a form; chosen: so that "bed" is not "b", and "sing" not "s"
# Plurals that no rule makes. Chosen: those of things that pictures show.
_IRREGULAR = {
    "children": "child", "feet": "foot", "geese": "goose", "lice": "louse", "mice": "mouse",
    "oxen": "ox", "people": "person", "teeth": "tooth", "dice": "die", "cacti": "cactus",
    "fungi": "fungus", "octopi": "octopus",
}  # fmt: skip


@lru_cache(maxsize=1 << 16)
def base_forms(word: str) -> frozenset[str]:
    """The word itself, case-folded, and each form that a rule makes of it."""
    folded = word.casefold()
    found = {folded}
    if folded in _IRREGULAR:
        found.add(_IRREGULAR[folded])
    for ending, other in _RULES:
        if folded.endswith(ending):
            found.add(_undoubled(folded.removesuffix(ending), ending) + other)
            found.add(folded.removesuffix(ending) + other)
    return frozenset(form for form in found if len(form) >= _LEAST or form == folded)


def _undoubled(stem: str, ending: str) -> str:
    """`runn` of `running` as `run`."""
    is_doubled = len(stem) > _LEAST and stem[-1] == stem[-2]
    return stem[:-1] if ending in ("ing", "ed") and is_doubled else stem
