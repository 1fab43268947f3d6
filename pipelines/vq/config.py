"""Settings of the vq stage."""

from pydantic import BaseModel, ConfigDict, model_validator

from dalle_model.settings import VqTraining
from dalle_model.token_shape import square_edge
from dalle_model.tokenizers.vq_config import VqConfig


class VqStageConfig(BaseModel):
    """Train a VQ-VAE of patches on the run's own images, in place of `encode.codec`.

    Args:
        model: its sizes; `image_shape` is a square, though the weights fit images of any multiple
            of 8 px.
        training: how it is trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: VqConfig = VqConfig()
    training: VqTraining = VqTraining()

    @model_validator(mode="after")
    def _is_square(self) -> "VqStageConfig":
        square_edge("vq.model.image_shape: images", self.model.image_shape)
        return self
