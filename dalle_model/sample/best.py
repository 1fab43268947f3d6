"""Of several images that are drawn for each caption, the one that a scorer likes best."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalle_model.clip.scorer import Scorer
from dalle_model.pixels import Rgb
from dalle_model.prior.trained import TrainedPrior
from dalle_model.progress import OnStep, ignore_steps
from dalle_model.sample.images import draw_images
from dalle_model.sample.rerank import rerank
from dalle_model.sample.sampler import LAYER_BATCH
from dalle_model.settings import SampleSettings
from dalle_model.tokenizers.codec import Codec

# Shape letters: M captions, N images of each.

# Says of the images of a caption, which is named by its number, which are right.
Judge = Callable[[int, Rgb], Sequence[bool]]


@dataclass(frozen=True, eq=False)
class Best:
    """The best images, and what is known of all that were drawn.

    Args:
        images: uint8 `(M, height, width, 3)`, the best one of each caption.
        numbers: int64 `(M,)`, which of the N that were drawn it is.
        scores: float32 `(M, N)`, in the order in which they were drawn.
        are_right: bool `(M, N)`, by a judge who knows nothing of the scores.
    """

    images: Rgb
    numbers: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]
    are_right: npt.NDArray[np.bool_]

    @property
    def best_scores(self) -> list[float]:
        """Of each caption, the score of its best image."""
        return [float(score) for score in self.scores.max(axis=1)]

    @property
    def best_are_right(self) -> list[bool]:
        """Of each caption, whether its best image is right."""
        rows = zip(self.are_right, self.numbers, strict=True)
        return [bool(right_N[number]) for right_N, number in rows]


def draw_best(
    trained: TrainedPrior,
    codec: Codec,
    captions: list[str],
    n: int,
    scorer: Scorer,
    judge: Judge,
    settings: SampleSettings,
    on_step: OnStep = ignore_steps,
) -> Best:
    """Draw `n` images of each caption, and keep the best one in memory.

    Args:
        trained: the prior.
        codec: the one that made its training tokens.
        captions: what the images should show.
        n: images of each.
        scorer: that chooses.
        judge: that says which of all images are right.
        settings: of sampling.
        on_step: called with the number of images so far.

    Raises:
        ScorerError: the scorer gives an image no number.
    """
    at_once = max(1, LAYER_BATCH // n)  # captions, whose images fill a batch of the layers
    kept, rows = [], []
    for start in range(0, len(captions), at_once):
        part = captions[start : start + at_once]
        follow = _beyond(on_step, start * n, len(captions) * n)
        drawn = draw_images(trained, codec, part, n, settings, follow)
        for index, (caption, images) in enumerate(zip(part, drawn, strict=True), start):
            ranked = rerank(list(images), caption, scorer)
            kept.append(images[ranked.order[0]])
            rows.append((ranked.order[0], ranked.scores, judge(index, images)))
    numbers, scores, right = zip(*rows, strict=True)
    return Best(np.stack(kept), np.array(numbers, np.int64), np.stack(scores), np.array(right))


def _beyond(on_step: OnStep, before: int, total: int) -> OnStep:
    """Counts the steps of a part among those of the whole."""
    return lambda done, _, metrics: on_step(before + done, total, metrics)
