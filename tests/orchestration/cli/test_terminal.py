import io
import os
import subprocess
import sys

import pytest

from orchestration.cli.failures import exit_code
from orchestration.cli.terminal import read_arguments, replace_what_the_terminal_lacks
from orchestration.engine.config import ConfigError
from tests.support.commands import DALLE, environment

TEXT = "مرحبا, a dog \U0001f436 in a café"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", TEXT.encode()),
        ("ascii", TEXT.encode("ascii", "backslashreplace")),
        ("cp1252", TEXT.encode("cp1252", "backslashreplace")),
    ],
)
def test_what_the_terminal_lacks_is_replaced(encoding, shown, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    replace_what_the_terminal_lacks()
    sys.stdout.write(TEXT)
    sys.stdout.flush()
    assert raw.getvalue() == shown


def test_a_closed_terminal_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    replace_what_the_terminal_lacks()


def test_arguments_are_text():
    arguments = ["explain", "a café", TEXT, "--dir=ő"]
    assert read_arguments(arguments) == arguments


def test_utf8_that_an_ascii_locale_could_not_read_is_read():
    escaped = TEXT.encode().decode("ascii", "surrogateescape")
    assert read_arguments([escaped]) == [TEXT]


def test_an_argument_that_is_not_utf8_is_a_wrong_usage(capsys):
    with pytest.raises(ConfigError) as caught:
        read_arguments(["explain", os.fsdecode(b"a caf\xff")])
    assert exit_code(caught.value, ["explain"]) == 2
    assert capsys.readouterr().err == (
        "dalle: argument 2 is not UTF-8: invalid start byte at byte 6 of 'a caf\\xff'; "
        "give texts, keys and paths in UTF-8\n"
    )


@pytest.mark.parametrize(
    ("variables", "text", "code"),
    [
        ({"PYTHONIOENCODING": "ascii"}, TEXT.encode(), 0),
        ({"PYTHONIOENCODING": "cp1252"}, TEXT.encode(), 0),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, TEXT.encode(), 0),
        ({}, b"a caf\xff dog", 2),
    ],
)
def test_a_command_ends_as_documented_on_any_terminal(variables, text, code):
    command = [DALLE, "explain", text, "--recipe", "laion"]
    done = subprocess.run(command, capture_output=True, env=environment(**variables), timeout=280)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    assert (b"recipe   laion" in done.stdout) == (code == 0)
