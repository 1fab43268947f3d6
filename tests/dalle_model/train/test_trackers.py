"""Trackers get the lines and pictures of a training; none of them needs to be installed."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from dalle_model.train import trackers
from dalle_model.train.trackers import TrackerError, Trackers, missing_tracker

LINE = {"step": 3, "rows": 12, "loss": 2.5}


@pytest.fixture
def boards(monkeypatch):
    """What a stand-in for TensorBoard's writer was asked to do."""
    asked: list[Any] = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            asked.append(("open", folder, purge_step))

        def add_scalar(self, name, value, step):
            asked.append((name, value, step))

        def add_image(self, name, pixels, step, dataformats):
            asked.append((name, pixels.shape, step, dataformats))

        def close(self):
            asked.append("close")

    module: Any = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(trackers, "find_spec", lambda name: name)
    return asked


@pytest.fixture
def runs(monkeypatch):
    """What a stand-in for wandb was asked to do."""
    asked: list[Any] = []

    def init(**arguments):
        asked.append(arguments)
        return SimpleNamespace(
            log=lambda values, step: asked.append((values, step)),
            finish=lambda: asked.append("finish"),
        )

    module: Any = ModuleType("wandb")
    module.init, module.Image = init, lambda picture: ("image", picture)
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setattr(trackers, "find_spec", lambda name: name)
    for name in ("WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    return asked


def picture(folder):
    Image.new("RGB", (5, 4)).save(folder / "grid.png")
    return f"{folder}/grid.png"


def test_one_that_fails_ends_no_training(boards, runs, caplog, tmp_path):
    tracked = Trackers(["wandb", "tensorboard"], str(tmp_path))
    tracked.log(LINE)
    tracked.show(3, f"{tmp_path}/none.png")  # which the first one need not read
    tracked.log(LINE | {"step": 4})
    assert [message[:35] for message in caplog.messages] == ["TensorBoard fails and is left out: "]
    assert ("loss", 2.5, 3) in boards
    assert ("loss", 2.5, 4) not in boards
    assert runs[-1] == ({"rows": 12, "loss": 2.5}, 4)


def test_tensorboard_gets_figures_and_pictures_from_the_first_line_on(boards, tmp_path):
    tracked = Trackers(["tensorboard"], str(tmp_path))
    assert boards == []  # a run may still be restored
    tracked.log(LINE)
    tracked.show(3, picture(tmp_path))
    tracked.close()
    assert boards == [
        ("open", f"{tmp_path}/tensorboard", 3),
        ("rows", 12, 3),
        ("loss", 2.5, 3),
        ("grid", (4, 5, 3), 3, "HWC"),
        "close",
    ]


def test_wandb_stays_on_this_machine_and_knows_a_run_again(runs, monkeypatch, tmp_path):
    for _ in range(2):
        tracked = Trackers(["wandb"], str(tmp_path))
        tracked.log(LINE)
        tracked.show(3, "grid.png")
        tracked.close()
    opened = [asked for asked in runs if isinstance(asked, dict)]
    assert [one["mode"] for one in opened] == ["offline", "offline"]
    assert opened[0]["id"] == opened[1]["id"]
    assert opened[0]["dir"] == str(tmp_path)
    assert runs[1:4] == [
        ({"rows": 12, "loss": 2.5}, 3),
        ({"grid": ("image", "grid.png")}, 3),
        "finish",
    ]
    monkeypatch.setenv("WANDB_MODE", "online")
    Trackers(["wandb"], str(tmp_path)).log(LINE)
    assert runs[-2]["mode"] == "online"


def test_one_that_is_not_installed_is_named_with_its_command(monkeypatch, tmp_path):
    monkeypatch.setattr(trackers, "find_spec", lambda name: None if name == "wandb" else name)
    assert missing_tracker(["tensorboard"]) == ""
    said = "the tracker wandb is not installed; `pip install wandb`, or leave it out"
    assert missing_tracker(["tensorboard", "wandb"]) == said
    with pytest.raises(TrackerError, match="pip install wandb"):
        Trackers(["wandb"], str(tmp_path))


def test_a_store_is_no_disk(boards):
    with pytest.raises(TrackerError, match=r"memory://logs is a store; leave `trackers` out"):
        Trackers(["tensorboard"], "memory://logs")


def test_event_files_are_read_back(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    tracked = Trackers(["tensorboard"], str(tmp_path))
    for step in (1, 2):
        tracked.log({"step": step, "loss": 1 / step})
    tracked.show(2, picture(tmp_path))
    tracked.close()
    events = reader.EventAccumulator(f"{tmp_path}/tensorboard")
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(1, 1.0), (2, 0.5)]
    (shown,) = events.Images("grid")
    assert (shown.step, shown.width, shown.height) == (2, 5, 4)
