"""Settings of the clip stage."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from dalle_model.clip.config import CLIP_PRESETS, ClipConfig
from dalle_model.clip.settings import CLIP_TRAINING_PRESETS, ClipTraining
from pipelines.presets import fill_from_preset


class ClipStageConfig(BaseModel):
    """Train a CLIP on the run's own pairs, to score pairs with.

    Args:
        preset: what `model` and `training` leave out: `demo` (2 million parameters) or `vit-b-32`,
            the smallest vision transformer of Radford et al. 2021.
        model: its sizes.
        training: how it is trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["demo", "vit-b-32"] = "demo"
    model: ClipConfig = CLIP_PRESETS["demo"]
    training: ClipTraining = CLIP_TRAINING_PRESETS["demo"]

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        return fill_from_preset(values, model=CLIP_PRESETS, training=CLIP_TRAINING_PRESETS)
