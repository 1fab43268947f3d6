"""What stages that train share: curves without seconds, and trackers that are not installed."""

from math import isnan

from dalle_model import files
from dalle_model.settings import PriorTraining
from dalle_model.train import trackers
from pipelines.io.layout import StageFolder
from pipelines.io.training import (
    HISTORY,
    curves_of,
    missing_tracker_of,
    read_history,
    write_history,
)

LINES = b"""\
{"step": 1, "rows": 4, "loss": 2.0, "seconds": 0.5, "tokens_per_s": 80.0}
{"step": 2, "rows": 8, "loss": 1.0, "seconds": 0.4, "tokens_per_s": 100.0, "held_out_loss": 1.5}
"""


def test_the_curves_of_a_result_are_its_lines_without_seconds(tmp_path):
    folder = StageFolder(str(tmp_path))
    assert read_history(folder) == []
    files.write_bytes(f"{folder.logs}/metrics.jsonl", LINES)
    write_history(folder)
    assert read_history(folder) == [
        {"step": 1, "rows": 4, "loss": 2.0},
        {"step": 2, "rows": 8, "loss": 1.0, "held_out_loss": 1.5},
    ]


def test_curves_of_a_result_to_be_are_beside_those_of_the_one_that_stands(tmp_path):
    folder = StageFolder(str(tmp_path))
    assert folder.next.logs == folder.logs == f"{tmp_path}/logs"
    assert folder.next.file(HISTORY) != folder.file(HISTORY)
    files.write_bytes(f"{folder.logs}/metrics.jsonl", LINES)
    assert folder.output_names() == []  # seen, but no part of any result


def test_a_line_has_a_gap_where_nothing_was_measured():
    history = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0, "held_out_loss": 1.5}]
    named = {"loss": "loss", "held out": "held_out_loss", "other": "none"}
    (view,) = curves_of(history, "title", "about", "nats", named)
    assert view.steps == [1, 2]
    assert list(view.lines) == ["loss", "held out"]
    assert isnan(view.lines["held out"][0])
    assert curves_of(history, "title", "about", "nats", {"other": "none"}) == []


def test_a_missing_tracker_is_named_with_its_setting(monkeypatch):
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    assert missing_tracker_of("prior", PriorTraining()) == ""
    assert missing_tracker_of("prior", PriorTraining(trackers=("wandb",))) == (
        "prior.training.trackers: the tracker wandb is not installed; `pip install wandb`, or "
        "leave it out"
    )
