"""The filter of LAION-2B, as DataComp repeats it: English by CLD3, CLIP B/32 from 0.28 on."""

from pipelines.select.captions import detector_columns, english
from pipelines.select.recipe import SCORE, TEXT, Published, Recipe, Rule, Settled
from pipelines.select.scores import scores_from
from pipelines.select.settings import SelectSettings

THRESHOLD = 0.28  # Source: Schuhmann et al. 2022 (LAION-5B, arXiv 2210.08402), section 3


def rules(settings: SelectSettings, _: Settled) -> tuple[Rule, ...]:
    """The score first: it is there already."""
    return scores_from(THRESHOLD), english(settings, "gcld3")


RECIPE = Recipe(
    "laion2b",
    "English captions with a CLIP score as in LAION-2B",
    "Schuhmann et al. 2022 (arXiv 2210.08402), section 3; mlfoundations/datacomp",
    lambda settings: (SCORE, TEXT, *detector_columns(settings, "gcld3")),
    rules,
    takes=("detector", "score"),
    published=(Published("small", 0.031, 0.133),),
)
