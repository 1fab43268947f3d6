"""Settings of the references stage."""

from pydantic import BaseModel, ConfigDict, field_validator

from pipelines.image_sets.config import ImageSet


class ReferencesConfig(BaseModel):
    """Images and captions that rows are compared with, such as those of evaluation sets.

    Args:
        sets: that are described, each under a name of its own.
        scorer: whose vectors of the images are stored too, for a comparison by content: as
            `dalle_model.clip.registry` knows it, such as `demo`; none where it is not set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sets: tuple[ImageSet, ...] = ()
    scorer: str | None = None

    @field_validator("sets")
    @classmethod
    def _has_names_of_their_own(cls, sets: tuple[ImageSet, ...]) -> tuple[ImageSet, ...]:
        names = [one.name for one in sets]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sets are called {name!r}; evidence has to tell them apart")
        return sets
