import pytest
from pydantic import ValidationError

from pipelines.dedupe.config import DedupeConfig, dependencies


@pytest.mark.parametrize("setting", [{"max_hamming": 64}, {"num_tables": 0}, {"bucket_cap": 1}])
def test_what_cannot_work_is_refused(setting) -> None:
    with pytest.raises(ValidationError):
        DedupeConfig(**setting)


def test_dependencies_name_random_numbers_and_case_folding() -> None:
    assert set(dependencies(DedupeConfig())) == {"numpy", "unicode"}
