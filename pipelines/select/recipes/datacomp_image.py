"""DataComp's image-based filter: English captions of images near those of ImageNet-1k."""

from pipelines.select.captions import (
    detector_columns,
    english,
    more_characters_than,
    more_fasttext_words_than,
)
from pipelines.select.clusters import in_target_cluster
from pipelines.select.recipe import CLUSTER, TEXT, Published, Recipe, Rule, Settled
from pipelines.select.settings import SelectSettings

# Source: mlfoundations/datacomp at 4a8df19, `caption_filter`.
MAX_SHORT_WORDS, MAX_SHORT_CHARACTERS = 1, 5


def rules(settings: SelectSettings, _: Settled) -> tuple[Rule, ...]:
    """The cluster first: it is a number already."""
    return (
        in_target_cluster(settings),
        more_fasttext_words_than(MAX_SHORT_WORDS),
        more_characters_than(MAX_SHORT_CHARACTERS),
        english(settings, "fasttext"),
    )


def columns(settings: SelectSettings) -> tuple[str, ...]:
    """The caption and the cluster."""
    return (TEXT, CLUSTER, *detector_columns(settings, "fasttext"))


RECIPE = Recipe(
    "datacomp_image",
    "English captions of images in the clusters of ImageNet-1k",
    "Gadre et al. 2023 (arXiv 2304.14108), section 5",
    columns,
    rules,
    needs=("targets",),
    takes=("centroids", "cluster", "detector"),
    published=(Published("small", 0.043, 0.159),),
)
