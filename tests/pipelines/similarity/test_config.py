import pytest
from pydantic import ValidationError

from pipelines.similarity.config import SimilarityConfig, relocated, settings


def test_limits_by_language():
    config = SimilarityConfig(min={"en": 0.28, "de": 0.2, "other": 0.26})
    assert config.languages == ("de", "en")
    assert [config.least(name) for name in ("en", "de", "other")] == [0.28, 0.2, 0.26]
    assert SimilarityConfig(min=0.3).least("other") == 0.3
    assert SimilarityConfig().least("other") is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min": {"en": 0.28}}, "other: 0.26"),
        ({"min": {"English": 0.28, "other": 0.26}}, "not by 'English'"),
        ({"min": float("nan")}, "finite"),
        ({"keep": 0}, "greater than 0"),
        ({"keep": 1.1}, "less than or equal to 1"),
        ({"column": "width"}, "_score"),
    ],
)
def test_what_makes_no_sense_is_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        SimilarityConfig(**values)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("demo", "demo"),
        ("clip.safetensors", "/home/clip.safetensors"),
        ("ViT-B-32@w/b32.bin", "ViT-B-32@/home/w/b32.bin"),
        ("tiny.json@s3://b/w.bin", "/home/tiny.json@s3://b/w.bin"),
        ("mine:weights.pt", "mine:/home/weights.pt"),
        ("mine", "mine"),
    ],
)
def test_paths_in_the_name_of_a_scorer_count_from_the_config(name, found):
    assert relocated(SimilarityConfig(scorer=name), "/home").scorer == found


def test_where_the_scorer_lies_is_no_setting():
    assert set(settings(SimilarityConfig())) == {"column", "min", "keep"}
