import pytest
from typer.testing import CliRunner

from dalle_model.train.stopping import CutShortError
from orchestration import api
from orchestration.cli.failures import exit_code
from orchestration.cli.main import app
from orchestration.cli.signals import INTERRUPTED


def test_options_become_settings(monkeypatch):
    asked = {}
    monkeypatch.setattr(api, "guide", lambda *a, **k: asked.update(k, positional=a) or "told")
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
        (["--rate", "0"], "--rate must be above 0"),
        (["--temperature", "-1"], "--temperature must be above 0"),
        (["--device", "tpu"], "--device 'tpu' must be cpu, cuda, or such as cuda:1"),
    ],
)
def test_an_option_out_of_range_is_refused(options, problem, capsys):
    done = CliRunner().invoke(app, ["guide", "a", *options])
    assert done.exception is not None
    assert exit_code(done.exception, ["guide"]) == 2
    assert capsys.readouterr().err == f"dalle: {problem}\n"


def test_work_that_is_cut_short_says_where_it_is(capfd):
    stopped = CutShortError("stopped after step 3 of 4; the picture so far is in guided.png")
    assert exit_code(stopped, ["guide"]) == INTERRUPTED
    assert capfd.readouterr().err == f"dalle: {stopped}\n"
