"""Settings of the captions stage, and what else its result depends on."""

import posixpath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from dalle_model import files
from pipelines.captions.settings import located
from pipelines.stage import plain_settings


class CaptionsConfig(BaseModel):
    """Which recipe, and where to leave it.

    Args:
        recipe: name of a bundled recipe, or path or URL of a YAML file in the same form.
        overrides: limits and settings by name; a rule that the recipe lacks is added at the end
            of the funnel, null removes one.
        max_reject_rate: the stage fails above it, 0..1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = "dalle"
    overrides: dict[str, float | str | None] = Field(default_factory=dict)
    max_reject_rate: float = Field(default=1.0, ge=0.0, le=1.0)


def counted_from(folder: str, config: CaptionsConfig) -> CaptionsConfig:
    """The same, with plain paths counted from a folder, which is that of the config file."""
    recipe = config.recipe
    if recipe.endswith((".yaml", ".yml")) and not files.is_url(recipe):
        recipe = posixpath.join(folder, recipe)
    overrides = {name: located(name, value, folder) for name, value in config.overrides.items()}
    return config.model_copy(update={"recipe": recipe, "overrides": overrides})


def settings(config: CaptionsConfig) -> dict[str, Any]:
    """What decides the result: of a recipe its name, since its digest is a dependency."""
    values = plain_settings(config)
    return values | {"recipe": posixpath.basename(values["recipe"])}


def dependencies(config: CaptionsConfig) -> dict[str, str]:
    """Name -> version or sha256 of all that can change the result.

    Raises:
        RecipeError: the recipe or an override is wrong, before any row is read.
    """
    # Here, since the rules import ftfy and pyarrow, which `dalle --help` should not wait for.
    from pipelines.captions.recipe import load_funnel, recipe_versions

    load_funnel(config.recipe, config.overrides)
    return recipe_versions(config.recipe, config.overrides)
