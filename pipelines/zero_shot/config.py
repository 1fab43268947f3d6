"""Settings of the zero-shot stage."""

from pydantic import ConfigDict, Field

from dalle_model.settings import SampleSettings
from pipelines.best_of import BestOf


class ZeroShotConfig(BestOf):
    """Images for captions that the prior has never seen, judged by what they show.

    Args:
        world: folder of token shards with such captions, and a gallery to compare with, as
            `tools.small_world` makes them.
        num_captions: so many of them, the kinds of pictures in turn, one image kept of each.
        sampling: how images are drawn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    world: str
    num_captions: int = Field(default=64, ge=1, le=4096)
    sampling: SampleSettings = SampleSettings()
