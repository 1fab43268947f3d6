import numpy as np
import pytest
from pydantic import ValidationError

from pipelines.select.config import (
    SelectConfig,
    dependencies,
    fingerprint_config,
    notices,
    relocated,
    score_column,
)
from pipelines.select.registry import RECIPES


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recipe": "datacomp_basik"}, "did you mean 'datacomp_basic'"),
        ({"recipe": "datacomp_text", "wordnet": "w"}, "needs `select.synsets`"),
        ({"recipe": "datacomp_basic", "threshold": 0.3}, "does not heed `select.threshold`"),
        ({"recipe": "datacomp_clip", "threshold": 0.3, "fraction": 0.3}, "exclude each other"),
        ({"recipe": "datacomp_clip", "fraction": 1}, "less than 1"),
        ({"recipe": "metaclip"}, "needs `select.entries`"),
    ],
)
def test_a_section_that_does_not_fit_its_recipe(settings, message):
    with pytest.raises(ValidationError, match=message):
        SelectConfig(**settings)


def test_files_count_by_content_and_not_by_place(tmp_path):
    found = []
    for name in ("one.txt", "other.txt"):
        (tmp_path / name).write_text("dog\n")
        config = SelectConfig(recipe="metaclip", entries=str(tmp_path / name))
        found.append((fingerprint_config(config), dependencies(config)))
    assert found[0] == found[1]
    assert found[0][0] == {"recipe": "metaclip", "seed": 0, "t": 20_000}
    (tmp_path / "one.txt").write_text("cat\n")
    again = dependencies(SelectConfig(recipe="metaclip", entries=str(tmp_path / "one.txt")))
    assert again["entries"] != found[0][1]["entries"]
    assert again["numpy"] == np.__version__


def test_paths_are_counted_from_the_folder_of_the_config():
    config = SelectConfig(recipe="datacomp_text", synsets="s.txt", wordnet="/w")
    moved = relocated(config, "/configs")
    assert (moved.synsets, moved.wordnet) == ("/configs/s.txt", "/w")


def test_columns_of_datacomp_are_the_default():
    assert score_column(SelectConfig(recipe="laion2b")) == "clip_b32_similarity_score"
    assert score_column(SelectConfig(recipe="datacomp_clip")) == "clip_l14_similarity_score"
    assert score_column(SelectConfig(recipe="laion2b", score="clip_score")) == "clip_score"


def test_a_departure_from_what_is_published_is_named():
    assert "other rows" in notices(SelectConfig(recipe="laion2b", detector="fasttext"))[0]
    assert notices(SelectConfig(recipe="laion2b")) == []


def test_every_recipe_has_its_name_and_source():
    assert all(name == recipe.name and recipe.source for name, recipe in RECIPES.items())
    assert len(RECIPES) == 7
