"""Settings of the dvae stage."""

from pydantic import BaseModel, ConfigDict, model_validator

from dalle_model.config import DvaeConfig
from dalle_model.settings import DvaeTraining
from dalle_model.token_shape import square_edge


class DvaeStageConfig(BaseModel):
    """Train OpenAI's dVAE on the run's own images, in place of `encode.codec`.

    Args:
        model: its sizes, of squares; by default the release's.
        training: how it is trained; by default as in the paper.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: DvaeConfig = DvaeConfig()
    training: DvaeTraining = DvaeTraining()

    @model_validator(mode="after")
    def _is_square(self) -> "DvaeStageConfig":
        square_edge("dvae.model: images", self.model.image_shape)
        return self
