import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from dalle_model.checkpoint import CheckpointError
from dalle_model.settings import PriorTraining
from dalle_model.train.origin import (
    Origin,
    check_going_on,
    differences,
    origin_of,
    warn_of_others,
)

SETTINGS = PriorTraining(steps=10, checkpoint_every=5)


def origin(rows: str = "ab", **changes: Any) -> Origin:
    return origin_of(replace(SETTINGS, **changes), {"layers": 2}, rows, the_text_tokenizer="cd")


@pytest.mark.parametrize(
    ("other", "is_same_run"),
    [
        (origin(checkpoint_every=1, keep=9, workers=0), True),
        (origin(steps=20, threads=2, accumulation=4), True),
        (origin(seed=1), False),
        (origin(betas=(0.9, 0.99)), False),
        (origin(rows="cd"), False),
    ],
)
def test_a_run_is_known_by_what_decides_its_weights(other, is_same_run):
    assert (other.name == origin().name) == is_same_run


def test_it_is_the_same_after_json():
    again = Origin(**json.loads(json.dumps(asdict(origin()))))
    assert again == origin()
    assert again.name == origin().name


def test_what_decides_nothing_is_not_said_to_have_changed(caplog):
    check_going_on(origin(checkpoint_every=1), origin(), 5, "x")
    assert caplog.messages == []


def test_what_may_change_is_said(caplog):
    check_going_on(origin(threads=2, accumulation=4), origin(), 5, "x")
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "training goes on from step 5 with accumulation 4, before 1",
        "training goes on from step 5 with threads 2, before None",
    ]


def test_fewer_steps_than_taken_are_an_error_that_names_the_setting():
    with pytest.raises(CheckpointError, match=r"x has taken 7 .* `steps` of the training is 5"):
        check_going_on(origin(steps=5), origin(), 7, "x")


def test_of_other_runs_the_most_similar_is_named(caplog):
    others = {"a": (3, origin(seed=1, rows="cd")), "b": (4, origin(rows="ef"))}
    warn_of_others(origin(), others)
    warn_of_others(origin(), {})
    (message,) = caplog.messages
    assert "b is a run of 4 steps with other values of the rows; it stays there" in message


def test_none_is_not_what_is_missing():
    assert differences({"a": None, "b": 1}, {"b": 1, "c": 2}) == ["a", "c"]
