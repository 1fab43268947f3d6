"""What the prior never sees: combinations, word orders of combinations, and pairs of attributes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Literal

from tools.small_world.shapes import CONVERSES
from tools.small_world.things import TEMPLATES, Thing, fraction

Part = Literal["kept", "combination", "pair"]

HELD_OUT = 0.12  # share of combinations
HELD_OUT_ORDERS = 0.3  # share of the word orders of a combination
HARD_TONE = "medium dark"  # of a third of the roles there is no picture in it
HARD_ROLES = 1 / 3
HARD_SHAPE = ("yellow", "triangle")  # of this form there is none in this colour
# Kinds whose combinations hold in all styles; those of others are of one style each, since they
# have too few attributes to combine.
_IN_ALL_STYLES = {"person", "hand", "count", "relation"}

Combination = tuple[str, ...]


def combination_of(thing: Thing) -> Combination:
    """What a thing combines; equal for both ways to say how two shapes stand."""
    values = dict(thing.attributes)
    if thing.kind == "relation":
        first, second = values["first"], values["second"]
        if values["relation"] in ("right of", "below"):
            return (thing.kind, second, CONVERSES[values["relation"]], first)
        return (thing.kind, first, values["relation"], second)
    own = (thing.kind, *values.values())
    return own if thing.kind in _IN_ALL_STYLES else (*own, thing.style)


def parts(things: Sequence[Thing]) -> list[Part]:
    """Of each thing, whether it is trained on, or why not.

    A combination is held out only where each pair of its attributes stays in another one.
    """
    of_things = [combination_of(thing) for thing in things]
    hard = {c for t, c in zip(things, of_things, strict=True) if _is_hard(t)}
    seen = Counter(pair for c in {*of_things} - hard for pair in _pairs(c))
    held_out = set()
    for one in sorted({*of_things} - hard, key=lambda c: fraction("combination", *c)):
        wanted = fraction("combination", *one) < HELD_OUT
        if wanted and all(seen[pair] > 1 for pair in _pairs(one)):
            held_out.add(one)
            seen.subtract(_pairs(one))
    return ["pair" if c in hard else "combination" if c in held_out else "kept" for c in of_things]


def kept_orders(thing: Thing) -> list[int]:
    """Numbers of the templates in which a combination is trained on; never the last one."""
    own = combination_of(thing)
    orders = range(len(TEMPLATES[thing.kind]) - 1)
    by_fraction = sorted(orders, key=lambda order: -fraction("order", order, *own))
    return sorted(
        order
        for rank, order in enumerate(by_fraction)
        if rank == 0 or fraction("order", order, *own) >= HELD_OUT_ORDERS
    )


def _pairs(combination: Combination) -> Iterable[Combination]:
    """Pairs of attributes; of two attributes each alone."""
    kind, *values = combination
    numbered = [f"{place} {value}" for place, value in enumerate(values)]
    return [(kind, *pair) for pair in combinations(numbered, min(2, len(values) - 1))]


def _is_hard(thing: Thing) -> bool:
    values = thing.attributes
    if thing.kind == "person":
        return values["tone"] == HARD_TONE and fraction("hard", values["role"]) < HARD_ROLES
    if thing.kind == "count":
        return (values["color"], values["shape"].removesuffix("s")) == HARD_SHAPE
    if thing.kind == "relation":
        return " ".join(HARD_SHAPE) in (values["first"], values["second"])
    return False
