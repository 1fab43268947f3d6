"""The recipes. A new one is a file with its `RECIPE`, and its line here."""

from pipelines.select.recipe import Recipe
from pipelines.select.recipes import (
    datacomp_basic,
    datacomp_clip,
    datacomp_image,
    datacomp_image_clip,
    datacomp_text,
    laion2b,
    metaclip,
)

RECIPES: dict[str, Recipe] = {
    module.RECIPE.name: module.RECIPE
    for module in (
        datacomp_basic,
        datacomp_text,
        datacomp_clip,
        datacomp_image,
        datacomp_image_clip,
        laion2b,
        metaclip,
    )
}
