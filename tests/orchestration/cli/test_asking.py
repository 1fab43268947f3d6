"""A person is asked before a run is replaced or rows are freed; where nobody can be, both fail."""

import sys

import pytest
import typer

from orchestration.cli.asking import ask_to_free, ask_to_replace, found_directory
from orchestration.engine.another import ReplacingError
from orchestration.engine.cleaning import FreeingError


class Terminal:
    """Standard input of a person who gives one answer."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self, *_: int) -> str:
        return f"{self.answer}\n"


def act(may_replace: bool) -> str:
    if not may_replace:
        raise ReplacingError("runs/a holds another run")
    return "replaced"


def test_without_a_terminal_it_is_refused():
    with pytest.raises(ReplacingError):
        ask_to_replace(act, replaces=False)
    assert ask_to_replace(act, replaces=True) == "replaced"


def test_a_person_decides(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", Terminal("y"))
    assert ask_to_replace(act, replaces=False) == "replaced"
    assert "runs/a holds another run" in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", Terminal("n"))
    with pytest.raises(typer.Exit) as caught:
        ask_to_replace(act, replaces=False)
    assert caught.value.exit_code == 2


def free(takes_from_web: bool) -> str:
    if not takes_from_web:
        raise FreeingError("the web would be asked again")
    return "freed"


def test_rows_from_the_web_are_freed_after_a_question(monkeypatch, capsys):
    assert ask_to_free(free, takes_from_web=True) == "freed"
    with pytest.raises(FreeingError):
        ask_to_free(free, takes_from_web=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", Terminal("y"))
    assert ask_to_free(free, takes_from_web=False) == "freed"
    said = capsys.readouterr().err
    assert "the web would be asked again" in said
    assert "Free them now?" in said


def test_a_directory_that_is_given_is_taken(capsys):
    assert found_directory("runs/x") == "runs/x"
    assert capsys.readouterr().err == ""
