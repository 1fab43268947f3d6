"""Settings of the dedupe stage."""

import unicodedata

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class DedupeConfig(BaseModel):
    """What counts as the same image, and how often a caption may be used.

    The limits were chosen together on 400 photographs (wallpapers and tiles of them) and 700
    drawings of openclipart 0.18, stored at 256 px, with twelve copies of each: `docs/benchmarks.md`
    has the shares found, and `benchmarks/dedupe.py` makes copies in the same way.

    Args:
        max_hamming: bits by which the perceptual hashes of two views may differ. Chosen: 98 % of
            crops by 5 % differ in no more; unrelated images in 32.
        max_sketch_distance: by how much the sketches of two views may differ beyond what a crop by
            5 % at a corner changes in them; one unit is an eighth of a standard deviation.
        max_mean_difference: levels of 255 by which the thumbnails of two views may differ in the
            mean, once one is cut like the other; a share of their contrast is added.
        contrast_share: that share; the contrast is the mean distance from the median colour.
        max_cell_difference: the same for each cell of 8x8; the whole contrast is added. A mark
            changes few cells, and these by less than another drawing would.
        num_tables: times that images are grouped to be compared. Chosen: five find 98.5 % of
            each kind of copy, cut as finely as for a million images.
        max_images_per_caption: images that keep a caption, compared without case; the first ones
            by key. Source: Jia et al. 2021 (ALIGN), section 3, which drops texts above 10 images.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_hamming: int = Field(default=20, ge=0, le=63)
    max_sketch_distance: int = Field(default=3, ge=0, le=127)
    max_mean_difference: float = Field(default=3.0, ge=0, le=255)
    contrast_share: float = Field(default=0.25, ge=0, le=1)
    max_cell_difference: int = Field(default=28, ge=0, le=255)
    num_tables: int = Field(default=5, ge=1, le=64)
    max_images_per_caption: int = Field(default=10, ge=1)
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)


def dependencies(config: DedupeConfig) -> dict[str, str]:
    """What else changes the result: Unicode's case folding, and NumPy's random numbers."""
    del config
    return {"numpy": np.__version__, "unicode": unicodedata.unidata_version}
