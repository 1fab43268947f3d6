"""Scorers that give vectors, for stages that compare images by what they show."""

from dalle_model.clip.registry import load_scorer
from dalle_model.clip.scorer import Embedder, ScorerError


def load_embedder(name: str) -> Embedder:
    """Load a scorer that places images in a space.

    Args:
        name: as of `dalle_model.clip.registry.load_scorer`.

    Raises:
        ScorerError: unknown, missing or damaged; or it gives scores alone.
    """
    scorer = load_scorer(name)
    if not isinstance(scorer, Embedder):
        raise ScorerError(
            f"the scorer {name!r} gives scores and no vectors; to compare images with each other, "
            "name one that has `embed_images` and `embed_texts`, such as `demo`"
        )
    return scorer
