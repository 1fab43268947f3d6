"""What stages have in common that draw several images of a caption and keep the best."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
from pydantic import BaseModel, Field

from dalle_model.settings import CHOOSING_SCORER, MAX_BEST_OF
from pipelines.paths import scorer_from
from pipelines.stage import plain_settings
from pipelines.views import Curves

if TYPE_CHECKING:
    from dalle_model.sample.best import Best  # which loads torch

# Of what was chosen: which of the images that were drawn it is, and its score; and of all that were
# drawn, in their order, the scores and whether they are right.
SCORE_FIELDS = (
    pa.field("number", pa.int64(), nullable=False),
    pa.field("score", pa.float32(), nullable=False),
    pa.field("scores", pa.list_(pa.float32()), nullable=False),
    pa.field("are_right", pa.list_(pa.bool_()), nullable=False),
)


class BestOf(BaseModel):
    """Which of several images is kept.

    Args:
        best_of: images that are drawn of each caption, of which the scorer's best is kept: 512 in
            the paper; 1 for no choice.
        scorer: as of `similarity`; without one, `drawn`, which ships, chooses where there is a
            choice, and nothing is scored where there is none.
    """

    best_of: int = Field(default=1, ge=1, le=MAX_BEST_OF)
    scorer: str = ""

    @property
    def scored_by(self) -> str:
        """The name of the scorer; empty where nothing is scored."""
        return self.scorer or (CHOOSING_SCORER if self.best_of > 1 else "")

    def relocated(self, folder: str) -> Self:
        """The same, with plain paths in the scorer's name counted from a folder."""
        scorer = self.scorer and scorer_from(folder, self.scorer)
        return self.model_copy(update={"scorer": scorer})


def settings(config: BestOf) -> dict[str, Any]:
    """What of a section decides the result: as if there were no choice, where there is none."""
    values = plain_settings(config)
    del values["scorer"]  # its content is a dependency
    if not config.scored_by:
        del values["best_of"]
    return values


def dependencies(config: BestOf) -> dict[str, str]:
    """Name -> version or sha256 of the scorer and of what runs it; none where nothing is scored.

    Raises:
        UsageError: there is no such scorer.
    """
    from dalle_model.clip.registry import scorer_facts

    return scorer_facts(config.scored_by) if config.scored_by else {}


def columns_of(best: "Best") -> dict[str, Any]:
    """The columns `SCORE_FIELDS`."""
    return {
        "number": best.numbers,
        "score": best.best_scores,
        "scores": list(best.scores),
        "are_right": list(best.are_right),
    }


def with_scores(captions: Sequence[str], scores: Sequence[float]) -> list[str]:
    """Captions as a sheet shows them, which shortens them at their end."""
    return [f"{score:.3f}  {text}" for text, score in zip(captions, scores, strict=True)]


def shown_captions(table: pa.Table) -> list[tuple[dict[str, Any], str]]:
    """The rows of the table of a stage, each with its caption as the report shows it."""
    rows: list[dict[str, Any]] = table.to_pylist()
    return [
        (row, f"{row['caption']} ({row['score']:.3f})" if "score" in row else row["caption"])
        for row in rows
    ]


def curves(config: BestOf, metrics: Mapping[str, Any], title: str) -> list[Curves]:
    """What it gains to choose, by the number of images; nothing where there is no choice.

    Args:
        config: of the stage.
        metrics: of the stage, with those of `dalle_model.evaluate.best_of.gains`.
        title: of the curve.
    """
    from dalle_model.evaluate.best_of import doublings

    if config.best_of == 1:
        return []
    sizes = doublings(config.best_of)
    names = {"rate": "right", "any": "one of them is right", "score": "score"}
    lines = {
        shown: [float(metrics[f"{name}_best_of_{size}"]) for size in sizes]
        for name, shown in names.items()
    }
    alone, chosen = lines["right"][0], lines["right"][-1]
    about = (
        f"{alone:.1%} of all images are right, and {chosen:.1%} of those that {config.scored_by} "
        f"chooses, each from {config.best_of}. Each point is the mean over every set of so many of "
        "the images that were drawn. The scorer can choose no right one where none of them is."
    )
    x, y = "images of a caption that one is chosen from", "share, and score"
    return [Curves(title, about, x, y, sizes, lines)]
