"""What the command line itself answers: its help, its version, and what it does not know."""

import pytest

from orchestration.cli.main import run_line
from orchestration.engine.registry import registry


def answer(capsys, *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a line."""
    return run_line(list(words)), *capsys.readouterr()


def test_alone_it_shows_its_help(capsys):
    code, out, err = answer(capsys)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: ")
    assert "[OPTIONS] COMMAND" in out.splitlines()[0]
    assert answer(capsys, "--help")[1] == out


def test_its_version_is_that_of_the_package(capsys):
    from importlib.metadata import version

    assert answer(capsys, "--version")[:2] == (0, f"dalle {version('dalle')}\n")


@pytest.mark.parametrize("command", ["run", "demo", "explain", "recipes", "report", "verify",
                                     "sample", "grid", "export", "train"])  # fmt: skip
def test_every_command_has_a_help_of_its_own(capsys, command):
    for option in ("-h", "--help"):
        code, out, err = answer(capsys, command, option)
        assert (code, err) == (0, "")
        assert f" {command} [OPTIONS]" in out.splitlines()[0]
        assert "--debug" in out


def test_the_help_of_a_run_lists_the_stages(capsys):
    _, out, _ = answer(capsys, "run", "-h")
    lines = [
        line.split() for line in out[out.index("Stages:") :].splitlines()[1:] if line[:2] == "  "
    ]
    listed = [words[0] for words in lines if words[0] in registry()]
    assert sorted(listed) == sorted(registry())
    assert listed.index("crawl") < listed.index("encode") < listed.index("prior")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rum"], "No such command 'rum'. Did you mean 'run'?\nTry `dalle --help`."),
        (["verify", "--dri", "x"], "Try `dalle verify --help`."),
        (["train", "x", "--config"], "Try `dalle train --help`."),
        (["verify", "--dir", "none"], "none is not a run directory"),
        (["run", "--config", "none.yaml"], "none.yaml: cannot read the config"),
    ],
)
def test_wrong_usage_is_2_with_a_line(capsys, words, said):
    code, out, err = answer(capsys, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
