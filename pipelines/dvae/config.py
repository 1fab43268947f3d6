"""Settings of the dvae stage."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from dalle_model.settings import DVAE_TRAINING_PRESETS, DvaeTraining
from pipelines.presets import fill_from_preset


class DvaeConfig(BaseModel):
    """Train a dVAE on the run's own images; without this section `encode.codec` is used.

    Args:
        preset: its architecture, and what `training` leaves out.
        training: how it is trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["demo", "paper"] = "demo"
    training: DvaeTraining = DVAE_TRAINING_PRESETS["demo"]

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        return fill_from_preset(values, training=DVAE_TRAINING_PRESETS)
