"""DataComp's filter by CLIP score: the best 30 % by L/14, or all from 0.25 on by B/32."""

from pipelines.select.recipe import SCORE, Published, Recipe, Rule, Settled, Survey
from pipelines.select.scores import TopFraction, scores_from
from pipelines.select.settings import SelectSettings

# Source: Gadre et al. 2023 (DataComp, arXiv 2304.14108), section 5 and Table 3.
FRACTION_L14, THRESHOLD_B32 = 0.3, 0.25


def survey(settings: SelectSettings) -> Survey | None:
    """A fraction needs to know all scores; a threshold none."""
    if settings.threshold is not None:
        return None
    fraction = settings.fraction or (FRACTION_L14 if settings.arch == "l14" else None)
    return None if fraction is None else TopFraction(fraction)


def rules(settings: SelectSettings, settled: Settled) -> tuple[Rule, ...]:
    """One, from a threshold that is given, found in all data, or published."""
    if settled is not None:
        return (scores_from(settled, is_of_all=True),)
    return (scores_from(THRESHOLD_B32 if settings.threshold is None else settings.threshold),)


RECIPE = Recipe(
    "datacomp_clip",
    "the best image-caption pairs by CLIP score",
    "Gadre et al. 2023 (arXiv 2304.14108), section 5",
    lambda _: (SCORE,),
    rules,
    survey,
    takes=("arch", "score", "threshold", "fraction"),
    published=(Published("small", 0.051, 0.173), Published("medium", 0.273, 0.328)),
)
