"""Settings of the prior stage."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from dalle_model.settings import (
    PAIR_CHOICE_PRESETS,
    PRIOR_TRAINING_PRESETS,
    PairChoice,
    PriorTraining,
)
from pipelines.presets import fill_from_preset


class PriorConfig(BaseModel):
    """The autoregressive prior, trained on the run's token shards.

    Args:
        preset: its architecture, and what `pairs` and `training` leave out.
        pairs: which rows of the shards it is trained on.
        training: how it is trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["demo", "paper"] = "demo"
    pairs: PairChoice = PAIR_CHOICE_PRESETS["demo"]
    training: PriorTraining = PRIOR_TRAINING_PRESETS["demo"]

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        return fill_from_preset(values, pairs=PAIR_CHOICE_PRESETS, training=PRIOR_TRAINING_PRESETS)
