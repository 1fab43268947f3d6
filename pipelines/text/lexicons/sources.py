"""Where word lists come from: files of people, and files that packages bring."""

import gzip
import zlib
from importlib.metadata import version
from pathlib import Path

from dalle_model import files
from dalle_model.errors import DalleError
from pipelines.text.package_data import file_in


class LexiconError(DalleError):
    """A word list cannot be read: which, at which line, why, and what mends it."""


def package_file(package: str, name: str, project: str) -> Path:
    """Path of a data file in an installed package, none of whose code is run.

    Args:
        package: as imported.
        name: path of the file in the package.
        project: as installed by pip.

    Raises:
        LexiconError: the package or the file is missing.
    """
    path = file_in(package, name)
    if path is None:
        raise LexiconError(
            f"the word list {package}/{name} is missing; "
            f"`pip install --force-reinstall {project}` mends it"
        )
    return path


def package_edition(project: str) -> str:
    """Name and version of a project, as a fingerprint names its word list."""
    return f"{project} {version(project)}"


def read_lines(url: str) -> list[str]:
    """Lines of a UTF-8 text file, plain or `.gz`, without their ends.

    Raises:
        LexiconError: missing, damaged or not UTF-8.
    """
    content = _read(url)
    try:
        return (gzip.decompress(content) if url.endswith(".gz") else content).decode().splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise LexiconError(f"the word list {url} is damaged: {error}") from error


def file_edition(url: str) -> str:
    """SHA-256 of a word list's file, for a fingerprint.

    Raises:
        LexiconError: missing.
    """
    return files.sha256(_read(url))


def _read(url: str) -> bytes:
    try:
        return files.read_bytes(url)
    except OSError as error:
        raise LexiconError(
            f"the word list {url} cannot be read: {error}; check the recipe's `settings`"
        ) from error
