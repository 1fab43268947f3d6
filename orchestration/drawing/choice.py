"""How many images are drawn and shown, and which: those whose scores are the highest."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dalle_model.errors import UsageError
from dalle_model.pixels import Rgb
from dalle_model.settings import CHOOSING_SCORER, MAX_BEST_OF

if TYPE_CHECKING:
    from dalle_model.clip.scorer import Scorer


@dataclass(frozen=True)
class Choice:
    """How many images of a caption are drawn, and how many of them are shown.

    Args:
        number: that are shown.
        best_of: that are drawn, of which those of the highest scores are shown; 0 for no others.
        scorer: that scores them, as of `load_scorer`; by default the one that ships where there is
            a choice, and none where there is not.

    Raises:
        UsageError: a number is out of range.
    """

    number: int
    best_of: int = 0
    scorer: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MAX_BEST_OF:
            raise UsageError(f"-n {self.number}: draw 1 to {MAX_BEST_OF} images of a caption")
        if self.best_of and not self.number <= self.best_of <= MAX_BEST_OF:
            raise UsageError(
                f"--best-of {self.best_of}: name the number of images to choose from, from the "
                f"{self.number} that are shown to {MAX_BEST_OF}"
            )

    @property
    def num_drawn(self) -> int:
        """Images that are drawn of a caption."""
        return self.best_of or self.number

    @property
    def scored_by(self) -> str:
        """The name of the scorer; empty where nothing scores them."""
        return self.scorer or (CHOOSING_SCORER if self.best_of else "")

    def load(self) -> "Scorer | None":
        """What scores them, or None; raises as `load_scorer`."""
        if not self.scored_by:
            return None
        from dalle_model.clip.registry import load_scorer

        return load_scorer(self.scored_by)


@dataclass(frozen=True)
class Row:
    """The images of one caption that are shown, the best one first where they have scores.

    Args:
        prior: what has drawn them.
        caption: which they should show.
        images: uint8 `(n, height, width, 3)`.
        numbers: of each, counted from 0 as they were drawn.
        scores: of each; empty where nothing scores them.
    """

    prior: str
    caption: str
    images: Rgb
    numbers: list[int]
    scores: list[float]


def chosen(drawn: Rgb, prior: str, caption: str, choice: Choice, scorer: "Scorer | None") -> Row:
    """What is shown of the images that were drawn of a caption."""
    if scorer is None:
        return Row(prior, caption, drawn, list(range(len(drawn))), [])
    from dalle_model.sample.rerank import rerank

    ranked = rerank(list(drawn), caption, scorer)
    best = ranked.order[: choice.number]
    return Row(prior, caption, drawn[best], best.tolist(), ranked.scores[best].tolist())
