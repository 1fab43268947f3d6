"""The wheel, built once, and what it says of itself."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from tests.support.environments import Environment, closure, link_packages, requested

ROOT = Path(__file__).resolve().parents[2]
MADE = (".*", "__pycache__", "*.egg-info", "build", "dist", "runs")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel as `pip` builds it of a fresh clone, without network."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "clone", ignore=shutil.ignore_patterns(*MADE))
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    command = [sys.executable, "-m", "pip", "wheel", *offline, "-w", "dist", "./clone"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return next((folder / "dist").glob("dalle-*.whl"))


@pytest.fixture(scope="session")
def metadata(wheel) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="session")
def install(wheel, metadata, tmp_path_factory) -> Callable[..., Environment]:
    """`install("data")` is the environment of `pip install 'dalle[data]'`."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)

    def installed(*extras: str) -> Environment:
        names = closure(requested(metadata.get_all("Requires-Dist", []), extras))
        folder = tmp_path_factory.mktemp("environment") / "packages"
        return Environment((unpacked, link_packages(names, folder)))

    return installed
