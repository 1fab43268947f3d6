"""Settings of the references stage."""

from pydantic import BaseModel, ConfigDict, Field, field_validator


class ReferenceSet(BaseModel):
    """One set of images with captions, such as the validation images of COCO.

    Args:
        path: its folder, or a Parquet file. A folder is read as COCO's where it has
            `annotations/captions_*.json`, as CUB's where it has `images/` and `text/` or
            `text_c10/`, as tables where it holds nothing but Parquet; else as a folder of images
            with captions beside them, or in `metadata.jsonl`, `metadata.csv` or `metadata.parquet`.
        name: of the set, in evidence and counts.
        captions: the file or folder with its captions, counted from `path`, where the layout has
            several, such as `annotations/captions_val2014.json`, or another one.
        image_column: of a Parquet file: bytes, or a struct that holds them as `bytes`.
        caption_column: of a table: a text, or a list of texts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(min_length=1)
    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    captions: str = ""
    image_column: str = "image"
    caption_column: str = "caption"


class ReferencesConfig(BaseModel):
    """Images and captions that rows are compared with, such as those of evaluation sets.

    Args:
        sets: that are described, each under a name of its own.
        scorer: whose vectors of the images are stored too, for a comparison by content: as
            `dalle_model.clip.registry` knows it, such as `demo`; none where it is not set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sets: tuple[ReferenceSet, ...] = ()
    scorer: str | None = None

    @field_validator("sets")
    @classmethod
    def _has_names_of_their_own(cls, sets: tuple[ReferenceSet, ...]) -> tuple[ReferenceSet, ...]:
        names = [one.name for one in sets]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sets are called {name!r}; evidence has to tell them apart")
        return sets
