"""Environments with the packages that pip would install for some requirements, and no others.

They are folders of links into the tests' own environment, so nothing is downloaded or copied.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


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


def link_packages(names: Iterable[str], folder: Path) -> Path:
    """Fill a new folder with links to the files of distributions."""
    folder.mkdir()
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
