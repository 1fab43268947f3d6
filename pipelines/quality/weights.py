"""Weights that installed packages bring: found without running their code, and checked.

What an installer has written is listed with its SHA-256 in the package's RECORD. A file that is
another one would score wrongly without a word, so it is refused.
"""

import base64
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

from dalle_model.errors import UsageError

EXTRA = "quality"


class ScorerError(UsageError):
    """A scorer cannot be used: which part of it, why, and the command that mends it."""


@dataclass(frozen=True)
class Weights:
    """A file of weights in an installed package.

    Args:
        distribution: the name by which pip knows the package.
        path: of the file, below the folder in which packages are installed.
    """

    distribution: str
    path: str

    @property
    def sha256(self) -> str:
        """Of the file; raises as `read`."""
        return hashlib.sha256(self.read()).hexdigest()

    def read(self) -> bytes:
        """The file.

        Raises:
            ScorerError: the package or the file is missing, or it is not what was installed.
        """
        package = installed(self.distribution)
        path = Path(str(package.locate_file(self.path)))
        try:
            changed = path.stat().st_mtime_ns
        except OSError as error:
            again = _again(package)
            raise ScorerError(f"{path} cannot be read: {error.strerror}; {again}") from error
        return _read(self, path, changed)


def installed(distribution: str) -> Distribution:
    """A package that is installed; raises ScorerError where it is not."""
    try:
        return metadata.distribution(distribution)
    except PackageNotFoundError as error:
        raise ScorerError(
            f"{distribution} is not installed, which a scorer of `quality` needs; run `pip install "
            f"'dalle[{EXTRA}]'`, or leave the scorer out of the config"
        ) from error


def version_of(*distributions: str) -> str:
    """The version of the first of some packages, of which one has to be installed, with its name.

    Args:
        distributions: that bring the same library, as those of OpenCV do.

    Raises:
        ScorerError: none is installed.
    """
    for name in distributions[:-1]:
        with suppress(PackageNotFoundError):
            return f"{name} {metadata.version(name)}"
    package = installed(distributions[-1])
    return package.version if len(distributions) == 1 else f"{distributions[-1]} {package.version}"


@lru_cache(maxsize=8)
def _read(weights: Weights, path: Path, _changed: int) -> bytes:
    """Once per process; again when the file has changed."""
    content = path.read_bytes()
    package = installed(weights.distribution)
    recorded = _recorded(package, weights.path)
    found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    if recorded is not None and recorded != found:
        raise ScorerError(
            f"{path} is not the file that {weights.distribution} {package.version} has installed: "
            f"its SHA-256 is another; {_again(package)}"
        )
    return content


def _recorded(package: Distribution, path: str) -> str | None:
    """The SHA-256 of a file in base64, as the installer recorded it; None where it did not."""
    for file in package.files or ():
        if file.as_posix() == path and file.hash is not None and file.hash.mode == "sha256":
            return file.hash.value
    return None


def _again(package: Distribution) -> str:
    name = package.metadata["Name"]
    return f"run `pip install --force-reinstall --no-deps '{name}=={package.version}'`"
