"""Scorers that give vectors, for stages that compare images by what they show."""

from functools import lru_cache

from dalle_model.clip.registry import load_scorer, scorer_facts
from dalle_model.clip.scorer import Embedder, ScorerError


def load_embedder(name: str) -> Embedder:
    """A scorer that places images in a space, loaded once in a process.

    Args:
        name: as of `dalle_model.clip.registry.load_scorer`.

    Raises:
        ScorerError: unknown, missing or damaged; or it gives scores alone.
    """
    return _loaded(name, tuple(sorted(scorer_facts(name).items())))


@lru_cache(maxsize=1)
def _loaded(name: str, _facts: tuple[tuple[str, str], ...]) -> Embedder:
    """Loaded again where its file has changed."""
    scorer = load_scorer(name)
    if not isinstance(scorer, Embedder):
        raise ScorerError(
            f"the scorer {name!r} gives scores and no vectors: it has no `embed_images` and "
            "`embed_texts`; to compare images with each other, name one that has, such as `demo`"
        )
    return scorer
