import pytest
from pydantic import ValidationError

from pipelines.dedupe.config import DedupeConfig, dependencies


def test_bands_that_could_miss_a_near_duplicate_are_refused() -> None:
    with pytest.raises(ValidationError, match="raise num_bands above max_hamming"):
        DedupeConfig(max_hamming=8, num_bands=8)


def test_dependencies_name_scaling_and_case_folding() -> None:
    assert set(dependencies(DedupeConfig())) == {"pillow", "unicode"}
