"""Where the limits of the captions stage are written."""

import posixpath

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.recipe import known_recipes, recipe_url, rule_lines


def limit_locations(config: CaptionsConfig) -> dict[str, str]:
    """By rule, file and line of its limit in the recipe, or the setting that overrides it.

    A recipe of ours is named with its folder: `dalle.yaml` alone would be taken for a person's
    config, which has that name by default.
    """
    name = posixpath.basename(recipe_url(config.recipe))
    if config.recipe in known_recipes():
        name = f"recipes/{name}"
    written = {rule: f"{name}:{line}" for rule, line in rule_lines(config.recipe).items()}
    return written | dict.fromkeys(config.overrides, "captions.overrides")
