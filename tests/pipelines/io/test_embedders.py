import pytest

from dalle_model.clip.scorer import ScorerError
from pipelines.io import embedders


def test_a_scorer_without_vectors_of_images_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(embedders, "scorer_facts", lambda _name: {})
    monkeypatch.setattr(embedders, "load_scorer", lambda _name: object())
    with pytest.raises(ScorerError, match="has no `embed_images`"):
        embedders.load_embedder("of another package")
