import pytest
from pydantic import ValidationError

from pipelines.dedupe.config import DedupeConfig, EmbeddingConfig, dependencies, settings


@pytest.mark.parametrize("setting", [{"max_hamming": 64}, {"num_tables": 0}, {"bucket_cap": 1}])
def test_what_cannot_work_is_refused(setting) -> None:
    with pytest.raises(ValidationError):
        DedupeConfig(**setting)


def test_dependencies_name_random_numbers_and_case_folding() -> None:
    assert set(dependencies(DedupeConfig())) == {"numpy", "unicode"}


def test_where_a_scorer_lies_is_no_setting_but_what_it_is() -> None:
    config = DedupeConfig(embedding=EmbeddingConfig(scorer="demo", max_cosine=0.9))
    assert settings(config)["embedding"] == {"max_cosine": 0.9, "clusters": 0}
    assert "embedding" not in settings(DedupeConfig())
