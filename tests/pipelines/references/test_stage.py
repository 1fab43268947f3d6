"""The references stage as a value."""

import shutil
from pathlib import Path

import pytest

from dalle_model.pixels import to_png
from pipelines.image_sets.listing import ImageSetError
from pipelines.records import REFERENCE_SCORER
from pipelines.references.config import ReferencesConfig
from pipelines.references.stage import STAGE
from tests.support.image_rows import noise


def config(path: Path | str, **settings: str) -> ReferencesConfig:
    return ReferencesConfig.model_validate({"sets": [{"path": str(path), "name": "a"}]} | settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "set"
    found.mkdir()
    (found / "1.png").write_bytes(to_png(noise(1)))
    (found / "1.txt").write_text("a caption")
    return found


def test_a_set_is_known_by_what_it_holds_wherever_it_lies(folder: Path, tmp_path: Path) -> None:
    before = STAGE.dependencies(config(folder), {})
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert STAGE.dependencies(config(moved), {}) == before
    assert STAGE.settings(config(moved)) == STAGE.settings(config(folder))
    (moved / "1.txt").write_text("b caption")
    assert STAGE.dependencies(config(moved), {}) != before


def test_a_set_that_is_missing_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ImageSetError, match=r"the set a: .*gone: nothing is there"):
        STAGE.dependencies(config(tmp_path / "gone"), {})
    with pytest.raises(ImageSetError, match=r"references\.sets is empty"):
        STAGE.dependencies(ReferencesConfig(), {})


def test_paths_count_from_the_config_and_all_files_are_watched(folder: Path) -> None:
    found = STAGE.relocate(config("set"), str(folder.parent))
    assert found == config(folder)
    assert STAGE.outside(found) == [f"{folder}/1.png", f"{folder}/1.txt"]


def test_two_sets_have_two_names() -> None:
    one = {"path": "x", "name": "a"}
    with pytest.raises(ValueError, match="two sets are called 'a'"):
        ReferencesConfig.model_validate({"sets": [one, one]})


def test_the_scorer_is_a_fact_for_who_compares() -> None:
    assert STAGE.facts(config("x", scorer="demo"), {}) == {REFERENCE_SCORER: "demo"}
    assert STAGE.facts(config("x"), {}) == {}
