"""Settings of the dedupe stage."""

import unicodedata
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipelines.sameness.likeness import Likeness
from pipelines.stage import plain_settings

MAX_RUNS = 255  # their numbers are bytes, of which the last is that of the run itself


class EmbeddingConfig(BaseModel):
    """What counts as the same motif, by the vectors that a scorer has of images.

    Source: Abbas et al. 2023 (SemDeDup).

    Args:
        scorer: whose vectors; as of `similarity.scorer`.
        max_cosine: of two images of a cluster that both stay, the paper's 1 - epsilon. Chosen by
            hand: it depends on the scorer, and the report shows what it drops.
        clusters: in which images are compared; 0 for one for every 8,800 images, as in the paper.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: str = "demo"
    max_cosine: float = Field(default=0.95, gt=0, le=1)
    clusters: int = Field(default=0, ge=0)


class DedupeConfig(Likeness):
    """What counts as the same image, and how often a caption may be used.

    Args:
        against: directories of finished runs; what equals an image that one of these kept, or
            nearly, is dropped. The first of them that has such an image is named.
        num_tables: times that images are grouped to be compared. Chosen: five find 98.5 % of
            each kind of copy, cut as finely as for a million images.
        embedding: whether images of the same motif are dropped as well; only those that are no
            copies are looked at, and none of finished runs.
        max_images_per_caption: images that keep a caption, compared without case; the first ones
            by key. Source: Jia et al. 2021 (ALIGN), section 3, which drops texts above 10 images.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    against: tuple[str, ...] = Field(default=(), max_length=MAX_RUNS)
    num_tables: int = Field(default=5, ge=1, le=64)
    embedding: EmbeddingConfig | None = None
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
    """What decides the result; not where finished runs and scorers lie, but what is there."""
    values = plain_settings(config)
    del values["against"], values["embedding"]
    if config.against:
        values["against"] = [*config.finished_runs]
    if config.embedding is not None:
        values["embedding"] = config.embedding.model_dump(exclude={"scorer"})
    return values


def dependencies(config: DedupeConfig) -> dict[str, str]:
    """What else changes the result: Unicode's case folding, NumPy's random numbers, a scorer."""
    found = {"numpy": np.__version__, "unicode": unicodedata.unidata_version}
    if config.embedding is None:
        return found
    from dalle_model.clip.registry import scorer_facts

    facts = scorer_facts(config.embedding.scorer)
    return found | {f"embedding.{name}": value for name, value in facts.items()}


def _name(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]
