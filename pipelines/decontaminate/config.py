"""Settings of the decontaminate stage."""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipelines.sameness.likeness import Likeness

Drop = Literal["image", "caption", "both", "none"]


class DecontaminateConfig(Likeness):
    """Which rows have an image or a caption of an evaluation set, and which of them are dropped.

    Args:
        drop: `image`: rows whose image is one of a set; `caption`: rows whose caption is; `both`:
            rows of either kind; `none`: no row. A row that matches and is kept says so in the
            column `contamination`.
        ngram: words in a row that captions share where they match. Source: Brown et al. 2020
            (GPT-3), appendix C, which takes 8 to 13 by the length of the examples, 8 for the
            shortest; most captions of COCO have 8 to 12 words.
        min_words: captions with fewer match none, since they are too general, such as `a red
            bus`; those with fewer than `ngram` match where all their words are the same. Chosen: as
            `ngram`, so that none of these match.
        min_shared: distinct sequences of `ngram` words that two captions share where they match.
        min_cosine: of the vectors of two images that match; read where `references.scorer` is set.
            Source: DataComp's `datacomp` pool, 0.604169 of another model's vectors, as stated of
            its code; that of a CLIP has to be higher, since images of one kind are near each other
            there. Chosen: 0.95, which is to be looked at in the report for each scorer.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    drop: Drop = "both"
    ngram: int = Field(default=8, ge=1, le=64)
    min_words: int = Field(default=8, ge=1, le=64)
    min_shared: int = Field(default=1, ge=1)
    min_cosine: float = Field(default=0.95, ge=-1, le=1)
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _short_ones_are_shorter(self) -> Self:
        if self.min_words > self.ngram:
            raise ValueError(
                f"min_words is {self.min_words} and ngram {self.ngram}: a caption of at least "
                "ngram words shares them or not; lower min_words to ngram or below"
            )
        return self

    @property
    def drops_images(self) -> bool:
        """Whether a row is dropped for its image."""
        return self.drop in ("image", "both")

    @property
    def drops_captions(self) -> bool:
        """Whether a row is dropped for its caption."""
        return self.drop in ("caption", "both")
