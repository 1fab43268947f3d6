"""DataComp's text-based filter: English captions with a word for a class of ImageNet-21k."""

import numpy as np
import pyarrow as pa

from pipelines.select.captions import detector_columns, english
from pipelines.select.recipe import TEXT, Judged, Published, Recipe, Rule, Settled, texts
from pipelines.select.settings import SelectSettings
from pipelines.select.synsets import named_synsets


def rules(settings: SelectSettings, _: Settled) -> tuple[Rule, ...]:
    """The words first: English takes longer to tell."""
    named = named_synsets(settings.wordnet, settings.synsets)

    def judge(rows: pa.Table) -> Judged:
        return Judged(np.array([named.names_one(text) for text in texts(rows)], np.bool_))

    return Rule("names_nothing_listed", judge), english(settings, "fasttext")


RECIPE = Recipe(
    "datacomp_text",
    "English captions that name a synset of ImageNet-21k",
    "Gadre et al. 2023 (arXiv 2304.14108), section 5",
    lambda settings: (TEXT, *detector_columns(settings, "fasttext")),
    rules,
    needs=("synsets", "wordnet"),
    takes=("detector",),
    published=(Published("small", 0.046, 0.157),),
)
