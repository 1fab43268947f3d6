"""Environments with the packages that pip would install for some requirements, and no others.

They are folders of links into the tests' own environment, so nothing is downloaded or copied.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
MADE = (".*", "__pycache__", "*.egg-info", "build", "dist", "runs")


@dataclass(frozen=True)
class Environment:
    """Python with packages from these folders alone."""

    path: tuple[Path, ...]

    def python(self, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run Python; `-S` keeps it from the tests' own packages."""
        return subprocess.run(
            [sys.executable, "-S", *map(str, arguments)],
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, self.path))},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def dalle(self, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return self.python("-m", "orchestration", *arguments, cwd=cwd)


def build_wheel(folder: Path) -> Path:
    """The wheel as `pip` builds it of a fresh clone, without network."""
    shutil.copytree(ROOT, folder / "clone", ignore=shutil.ignore_patterns(*MADE))
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    command = [sys.executable, "-m", "pip", "wheel", *offline, "-w", "dist", "./clone"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return next((folder / "dist").glob("dalle-*.whl"))


def metadata_of(wheel: Path) -> Message:
    """What a wheel says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def virtual_environment(wheel: Path, folder: Path, *extras: str) -> Path:
    """A virtual environment as `pip install 'WHEEL[EXTRAS]'` fills it, and its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    asked = metadata_of(wheel).get_all("Requires-Dist", [])
    link_packages(closure(requested(asked, extras)), packages)
    return folder / "bin" / "python"


def link_packages(names: Iterable[str], folder: Path) -> Path:
    """Fill a folder with links to the files of distributions."""
    folder.mkdir(exist_ok=True)
    for name in sorted(names):
        found = distribution(name)
        for top in sorted({file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}):
            if not (folder / top).exists():  # a namespace belongs to several distributions
                (folder / top).symlink_to(str(found.locate_file(top)))
    return folder


def closure(requirements: Iterable[Requirement]) -> set[str]:
    """Names of all distributions that requirements ask for, through others too."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = list(requirements)
    while waiting:
        one = waiting.pop()
        asked = (canonicalize_name(one.name), frozenset(one.extras))
        if asked not in found:
            found.add(asked)
            waiting += requested(distribution(one.name).requires or (), one.extras)
    return {name for name, _ in found}


def requested(requirements: Iterable[str], extras: Iterable[str]) -> list[Requirement]:
    """Those of a distribution's requirements that hold on this machine, with these extras."""
    values = ["", *extras]
    return [
        one
        for one in map(Requirement, requirements)
        if one.marker is None or any(one.marker.evaluate({"extra": value}) for value in values)
    ]
