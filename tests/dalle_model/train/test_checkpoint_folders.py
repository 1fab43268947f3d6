import pytest

from dalle_model.sealed import read_sealed, write_sealed
from dalle_model.train.checkpoint_folders import (
    Manifest,
    begin_step,
    publish,
    read_manifest,
    remove_step,
    saved_steps,
    steps_to_keep,
    sweep,
)
from dalle_model.train.state_index import DamagedFileError, Written

WRITTEN = {"x": Written(3, "ab" * 32)}
MANIFEST = Manifest(7, {"position": 21}, {"decisive": {}}, 1.5, 2, "2.15", WRITTEN)


@pytest.mark.parametrize("place", ["disk", "store"])
def test_a_step_is_there_once_it_is_published(place, tmp_path):
    run = str(tmp_path / "run") if place == "disk" else "memory://folders/run"
    assert saved_steps(run) == []
    begin_step(run, 7)
    assert saved_steps(run) == []
    publish(run, MANIFEST)
    assert saved_steps(run) == [7]
    assert read_manifest(f"{run}/step-000000007") == MANIFEST
    publish(run, MANIFEST)  # once more, in its place
    sweep(run)
    assert saved_steps(run) == [7]
    remove_step(run, 7)
    assert saved_steps(run) == []
    remove_step(run, 7)


@pytest.mark.parametrize(
    ("held_out", "keep", "kept"),
    [
        ({1: None, 2: None, 3: None}, 1, {3}),
        ({1: 0.5, 2: 0.7, 3: 0.9}, 1, {1, 3}),
        ({1: 0.5, 2: 0.5, 3: None}, 2, {1, 2, 3}),
        ({10: 1.0, 20: 0.1, 30: 0.2, 40: None}, 2, {20, 30, 40}),
        ({1: None}, 5, {1}),
        ({}, 2, set()),
    ],
)
def test_the_newest_steps_and_the_best_one(held_out, keep, kept):
    assert steps_to_keep(held_out, keep) == kept


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "is of version 2, not 1"),
        ({"files": [1]}, "is no manifest"),
        ({"files": {"x": {"bytes": 3}}}, "is no manifest"),
        ({"more": 1}, "is no manifest"),
    ],
)
def test_a_manifest_of_another_form_is_none(change, message, tmp_path):
    begin_step(str(tmp_path), 7)
    publish(str(tmp_path), MANIFEST)
    url = str(tmp_path / "step-000000007" / "checkpoint.json")
    write_sealed(url, read_sealed(url) | change)
    with pytest.raises(DamagedFileError, match=message):
        read_manifest(str(tmp_path / "step-000000007"))
