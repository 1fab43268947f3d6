"""Settings of the quality stage, with a section for each scorer, and what else its result is of."""

from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, create_model

from pipelines.quality.registry import registry
from pipelines.quality.scorer import Scorer
from pipelines.quality.weights import version_of
from pipelines.records import SELECTION_SCHEMA


class ScoresConfig(BaseModel):
    """Which scorers look at the images, and their limits.

    Args:
        max_reject_rate: share of rows dropped above which the stage fails.

    Every other field is the section of a scorer, by its name; None where it was not asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_reject_rate: float = Field(default=1.0, ge=0, le=1)

    def asked(self) -> list[tuple[Scorer, BaseModel]]:
        """The scorers that have a section, in the order in which they look, with that section."""
        pairs = ((scorer, getattr(self, scorer.name)) for scorer in registry())
        return [(scorer, section) for scorer, section in pairs if section is not None]


_SECTIONS: dict[str, Any] = {scorer.name: (scorer.config | None, None) for scorer in registry()}
QualityConfig = create_model(
    "QualityConfig",
    __base__=ScoresConfig,
    __module__=__name__,  # under which it is found again in another process
    **_SECTIONS,
)


def schema(config: ScoresConfig) -> pa.Schema:
    """The columns of the selection: those of every one, then those of the scorers."""
    added = [column for scorer, section in config.asked() for column in scorer.columns(section)]
    return pa.schema([*SELECTION_SCHEMA, *added])


def dependencies(config: ScoresConfig) -> dict[str, str]:
    """The SHA-256 of the weights that are used, and the versions of what runs them.

    Raises:
        ScorerError: a package is not installed, or its weights are damaged.
    """
    found: dict[str, str] = {}
    for scorer, _ in config.asked():
        if scorer.weights is not None:
            found[f"{scorer.name}_weights"] = scorer.weights.sha256
        found |= {name: version_of(*packages) for name, packages in scorer.libraries.items()}
    return dict(sorted(found.items()))
