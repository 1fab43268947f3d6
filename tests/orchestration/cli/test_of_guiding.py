from typing import Any

import pytest
from typer.testing import CliRunner

from dalle_model.train.stopping import CutShortError
from orchestration import api
from orchestration.cli import signals
from orchestration.cli.failures import exit_code
from orchestration.cli.main import app


def test_options_become_settings(monkeypatch):
    asked: dict[str, Any] = {}

    def told(*given, **settings):
        asked.update(settings, positional=given)
        return "told"

    monkeypatch.setattr(api, "guide", told)
    options = ["--steps", "7", "--over", "codes", "--mix", "--no-augment", "--device", "cuda:1"]
    done = CliRunner().invoke(app, ["guide", "a:1 | b", "--start", "x.png", *options])
    assert done.output.strip().endswith("told")
    assert asked["positional"] == ("a:1 | b", "demo", "demo", "guided.png")
    settings = asked["settings"]
    assert (settings.steps, settings.over, settings.mixes) == (7, "codes", True)
    assert (settings.augments, settings.device, asked["start"]) == (False, "cuda:1", "x.png")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--rate", "0"], "--rate must be above 0, and at most 100"),
        (["--temperature", "-1"], "--temperature must be within 0.001 and 100"),
        (["--device", "tpu"], "--device 'tpu' must be cpu, cuda, or such as cuda:1"),
    ],
)
def test_an_option_out_of_range_is_refused(options, problem, capsys):
    done = CliRunner().invoke(app, ["guide", "a", *options])
    assert done.exception is not None
    assert exit_code(done.exception, ["guide"]) == 2
    assert capsys.readouterr().err == f"dalle: {problem}\n"


def test_one_that_is_cut_short_says_where_it_is_and_ends_as_an_interrupted_one(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(signals, "say_stopped", said.append)

    def stop(*_given, **_settings):
        raise CutShortError("stopped after step 3 of 4; the picture so far is in guided.png")

    monkeypatch.setattr(api, "guide", stop)
    assert CliRunner().invoke(app, ["guide", "a"]).exit_code == signals.INTERRUPTED
    assert said == ["stopped after step 3 of 4; the picture so far is in guided.png"]
