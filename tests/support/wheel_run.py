"""A run by the wheel alone, on an engine, in a network without interfaces."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support import engine_run
from tests.support.environments import build_wheel, virtual_environment

NAMESPACE = ("unshare", "--map-root-user", "--net")
SCRIPT = Path(engine_run.__file__)
WHERE = "import orchestration; print(orchestration.__path__[0])"


def wheel_environment(folder: Path) -> Path:
    """The Python of an environment with the wheel and its extras `data` and `model`.

    It has packages of its own for what the wheel holds, not this clone's.
    """
    python = virtual_environment(build_wheel(folder), folder / "venv", "data", "model")
    found = _output([python, "-c", WHERE], python)
    assert Path(found.strip()).is_relative_to(folder / "venv"), found
    return python


def run_from_wheel(python: Path, *arguments: object) -> str:
    """`dalle run` on an engine, by a copy of the script beside the environment; what it printed.

    Args:
        python: that of the environment.
        arguments: see `engine_run`.
    """
    elsewhere = python.parents[2] / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    script = shutil.copy(SCRIPT, elsewhere)
    return _output([*NAMESPACE, python, script, *arguments], python)


def _output(command: list[object], python: Path) -> str:
    """What a command prints: programs of the environment come first, and no PYTHONPATH is set."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables["PATH"] = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        cwd=python.parents[2],
        env=variables,
        timeout=280,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
