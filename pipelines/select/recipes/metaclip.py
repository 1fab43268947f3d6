"""MetaCLIP's balancing over the entries of a list."""

from pipelines.select.balance import EntryCounts, balanced
from pipelines.select.recipe import TEXT, Published, Recipe, Rule, Settled
from pipelines.select.settings import SelectSettings


def rules(settings: SelectSettings, settled: Settled) -> tuple[Rule, ...]:
    """One, which needs the counts of all captions."""
    return (balanced(settings.entries, settings.t, settings.seed, settled),)


RECIPE = Recipe(
    "metaclip",
    "captions balanced over a list of entries",
    "Xu et al. 2023 (MetaCLIP, arXiv 2309.16671), section 3",
    lambda _: (TEXT,),
    rules,
    lambda settings: EntryCounts(settings.entries),
    needs=("entries",),
    takes=("t", "seed"),
    published=(
        Published("400 million pairs, ViT-B/32", 0.655, None),
        Published("400 million pairs, ViT-B/16", 0.708, None),
        Published("400 million pairs, ViT-L/14", 0.762, None),
    ),
)
