"""DataComp's best baseline, which made DataComp-1B: image-based and by CLIP score at once."""

from pipelines.select.recipe import SCORE, Published, Recipe, Rule, Settled
from pipelines.select.recipes import datacomp_clip, datacomp_image
from pipelines.select.settings import SelectSettings


def rules(settings: SelectSettings, settled: Settled) -> tuple[Rule, ...]:
    """The score first, of all rows; then what the image-based filter keeps."""
    return (*datacomp_clip.rules(settings, settled), *datacomp_image.rules(settings, None))


RECIPE = Recipe(
    "datacomp_image_clip",
    "the rows of `datacomp_image` among those of `datacomp_clip`",
    "Gadre et al. 2023 (arXiv 2304.14108), section 5",
    lambda settings: (SCORE, *datacomp_image.columns(settings)),
    rules,
    datacomp_clip.survey,
    needs=datacomp_image.RECIPE.needs,
    takes=(*datacomp_image.RECIPE.takes, *datacomp_clip.RECIPE.takes),
    published=(Published("medium", 0.297, 0.328),),
)
