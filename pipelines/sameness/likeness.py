"""When two images count as the same picture: limits, chosen once for all who compare."""

from pydantic import BaseModel, ConfigDict, Field

MAX_ASPECT_CHANGE = 8  # %; chosen: a crop of 5 % on one side changes 5 %, the rest is rounding


class Likeness(BaseModel):
    """What counts as the same image.

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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_hamming: int = Field(default=20, ge=0, le=63)
    max_sketch_distance: int = Field(default=3, ge=0, le=127)
    max_mean_difference: float = Field(default=3.0, ge=0, le=255)
    contrast_share: float = Field(default=0.25, ge=0, le=1)
    max_cell_difference: int = Field(default=28, ge=0, le=255)
