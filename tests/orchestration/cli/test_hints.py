"""Commands in messages work as they are pasted: with the directory and the config meant."""

import os
import shlex
from pathlib import Path

import pytest

from orchestration.cli.hints import complete, option
from orchestration.engine.config_file import load_config
from pipelines.io.layout import RunFolder


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A working directory with a config and two runs, of which `b` is the latest."""
    monkeypatch.chdir(tmp_path)
    for name in ("dalle.yaml", "my config.yaml"):
        Path(name).write_text("name: mine\ncrawl: {sources: [{path: a.tsv}]}\n")
    for number, name in enumerate(("a", "b")):
        config = Path(RunFolder(f"runs/{name}").config)
        config.parent.mkdir(parents=True)
        config.write_text(load_config("dalle.yaml").model_dump_json())
        os.utime(config, (number, number))
        os.utime(config.parent, (number, number))
    return tmp_path


@pytest.mark.parametrize(
    ("line", "message", "completed"),
    [
        ("run", "`dalle verify` names it", "`dalle verify --dir runs/mine` names it"),
        ("run", "`dalle run encode`", "`dalle run encode --dir runs/mine`"),
        (
            "run crawl --config 'my config.yaml' --dir=out",
            "`dalle run crawl captions`, or `dalle report`",
            "`dalle run crawl captions --config 'my config.yaml' --dir out`, "
            "or `dalle report --dir out`",
        ),
        (
            "grid",
            "`dalle run encode`",
            "`dalle run encode --config runs/b/config.json --dir runs/b`",
        ),
        (
            "sample x --dir s3://b/run",
            "`dalle train prior`",
            "`dalle train prior --dir s3://b/run`",
        ),
        ("demo", "`dalle verify`", "`dalle verify --dir runs/demo`"),
        ("run", "`dalle explain 12 --dir x`", "`dalle explain 12 --dir x`"),
        (
            "run --config none.yaml",
            "`dalle run --help` lists ours",
            "`dalle run --help` lists ours",
        ),
        ("run --config none.yaml", "`dalle verify`", "`dalle verify`"),
        ("run", "`pip install dalle`, `dalle demo`", "`pip install dalle`, `dalle demo`"),
    ],
)
def test_a_command_is_completed(line, message, completed):
    assert complete(message, shlex.split(line)) == completed


def test_the_config_that_a_run_keeps_is_a_config(folder):
    assert load_config("runs/b/config.json").name == "mine"


def test_an_option_is_found_in_both_forms():
    assert option(["run", "--dir", "a"], "--dir") == option(["--dir=a"], "--dir") == "a"
    assert option(["run", "--dir"], "--dir") == ""
