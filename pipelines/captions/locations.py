"""Where the limits of the captions stage are written."""

import posixpath

from pipelines.captions.config import CaptionsConfig
from pipelines.captions.recipe import recipe_url, rule_lines


def limit_locations(config: CaptionsConfig) -> dict[str, str]:
    """By rule, file and line of its limit in the recipe, or the setting that overrides it."""
    name = posixpath.basename(recipe_url(config.recipe))
    written = {rule: f"{name}:{line}" for rule, line in rule_lines(config.recipe).items()}
    return written | dict.fromkeys(config.overrides, "captions.overrides")
