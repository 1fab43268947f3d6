"""Settings of the dedupe stage."""

import unicodedata
from importlib.metadata import version
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DedupeConfig(BaseModel):
    """What counts as the same image, and how often a caption may be used.

    Args:
        max_hamming: bits by which two perceptual hashes of near duplicates may differ. Chosen with
            `max_cell_difference` on 3,000 drawings of openclipart 0.18, stored at 64 px: of copies
            scaled by 0.6 to 1.5 and saved as JPEG of quality 50 to 90, 98.8 % are found; of the
            drawings themselves, 0.2 % are dropped for one that a person would tell apart.
        num_bands: parts of the 64-bit hash; images that agree in one part are compared. With more
            parts than `max_hamming` bits one part stays equal, so no near duplicate is missed.
        max_cell_difference: grey levels of 255 by which any colour of any cell of two 8x8
            thumbnails may differ; distinguishes drawings on white, whose hashes have few bits set.
        max_images_per_caption: images that keep a caption, compared without case; the first ones
            by key. Source: Jia et al. 2021 (ALIGN), section 3, which drops texts above 10 images.
        bucket_cap: best-ranked images of a band that the others are compared with; bounds the
            work where thousands of images agree in a part. Chosen: a part of 8 bits reaches it
            at some 500,000 evenly spread images, and near ones mostly agree in other parts too.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_hamming: int = Field(default=7, ge=0, le=63)
    num_bands: int = Field(default=8, ge=1, le=64)
    max_cell_difference: int = Field(default=16, ge=0, le=255)
    max_images_per_caption: int = Field(default=10, ge=1)
    bucket_cap: int = Field(default=2000, ge=1)
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _misses_nothing(self) -> Self:
        if self.max_hamming >= self.num_bands:
            raise ValueError(
                f"max_hamming is {self.max_hamming} and num_bands {self.num_bands}: two hashes may "
                "then differ in every band and never meet; raise num_bands above max_hamming"
            )
        return self


def dependencies(config: DedupeConfig) -> dict[str, str]:
    """What else changes the result: Pillow's scaling and Unicode's case folding."""
    return {"pillow": version("pillow"), "unicode": unicodedata.unidata_version}
