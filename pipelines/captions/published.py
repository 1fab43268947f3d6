"""Rates that papers report for their own data, to compare with ours on other data."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.views import Rates


@dataclass(frozen=True)
class _Stated:
    """What is reported for one section of a recipe."""

    recipe: str
    section: str
    what: str
    kept: float
    source: str


_STATED = (
    _Stated(
        "conceptual_captions",
        "rules",
        "kept by the text rules",
        0.03,
        "Sharma et al. 2018, section 3: about 3 %, of images that passed the image rules",
    ),
    _Stated(
        "conceptual_captions",
        "transformed",
        "kept by the transformation",
        0.8,
        "Sharma et al. 2018, section 3: about 20 % are dropped",
    ),
    _Stated(
        "conceptual_captions",
        "data",
        "kept by the count of types above 100",
        0.55,
        "Sharma et al. 2018, section 3: about 55 %, of five billion images",
    ),
    _Stated(
        "coyo",
        "all",
        "kept in all",
        746_972_269 / 10e9,
        "kakaobrain/coyo-dataset README: 747 million of about 10 billion pairs, with image rules",
    ),
)


def published_rates(recipe: str, left: Mapping[str, tuple[int, int]]) -> list[Rates]:
    """What is reported for a recipe, with ours.

    Args:
        recipe: its name.
        left: rows before and after each section, and under `all` of the whole recipe.
    """
    return [
        Rates(
            stated.what,
            stated.kept,
            left[stated.section][1] / left[stated.section][0],
            stated.source,
        )
        for stated in _STATED
        if stated.recipe == recipe and left.get(stated.section, (0, 0))[0]
    ]
