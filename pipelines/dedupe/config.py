"""Settings of the dedupe stage."""

import unicodedata
from typing import Any

import numpy as np
from pydantic import Field, field_validator

from pipelines.sameness.likeness import Likeness
from pipelines.stage import plain_settings

MAX_RUNS = 255  # their numbers are bytes, of which the last is that of the run itself


class DedupeConfig(Likeness):
    """What counts as the same image, and how often a caption may be used.

    Args:
        against: directories of finished runs; what equals an image that one of these kept, or
            nearly, is dropped. The first of them that has such an image is named.
        num_tables: times that images are grouped to be compared. Chosen: five find 98.5 % of
            each kind of copy, cut as finely as for a million images.
        max_images_per_caption: images that keep a caption, compared without case; the first ones
            by key. Source: Jia et al. 2021 (ALIGN), section 3, which drops texts above 10 images.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    against: tuple[str, ...] = Field(default=(), max_length=MAX_RUNS)
    num_tables: int = Field(default=5, ge=1, le=64)
    max_images_per_caption: int = Field(default=10, ge=1)
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)

    @field_validator("against")
    @classmethod
    def _told_apart(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if len({_name(url) for url in urls}) < len(urls):
            raise ValueError("the directories need different names, by which rejections name them")
        return urls

    @property
    def finished_runs(self) -> dict[str, str]:
        """The directories to deduplicate against, by the names that rejections have for them."""
        return {_name(url): url for url in self.against}


def settings(config: DedupeConfig) -> dict[str, Any]:
    """What decides the result; of finished runs their names do, where they lie does not."""
    values = plain_settings(config)
    del values["against"]
    return values | ({"against": [*config.finished_runs]} if config.against else {})


def dependencies(config: DedupeConfig) -> dict[str, str]:
    """What else changes the result: Unicode's case folding, and NumPy's random numbers."""
    del config
    return {"numpy": np.__version__, "unicode": unicodedata.unidata_version}


def _name(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]
