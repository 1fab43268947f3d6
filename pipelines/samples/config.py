"""Settings of the samples stage."""

from pydantic import ConfigDict, Field

from dalle_model.settings import SampleSettings
from pipelines.best_of import BestOf


class SamplesConfig(BestOf):
    """Images for captions that the prior saw in training, and how many land on their own.

    Args:
        num_captions: the first so many of the training set, one image kept of each.
        sampling: how images are drawn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_captions: int = Field(default=64, ge=1, le=4096)
    sampling: SampleSettings = SampleSettings()
