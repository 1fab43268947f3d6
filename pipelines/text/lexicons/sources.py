"""Where word lists come from: the user's files, and files bundled in packages."""

from importlib.metadata import version
from pathlib import Path

from dalle_model import files
from dalle_model.errors import UsageError
from pipelines.text import word_files
from pipelines.text.package_data import data_file


class LexiconError(UsageError):
    """A word list cannot be read: which, at which line, why, and what fixes it."""


def package_file(package: str, name: str, project: str) -> Path:
    """Path of a data file in an installed package, none of whose code is run.

    Args:
        package: as imported.
        name: path of the file in the package.
        project: as installed by pip.

    Raises:
        LexiconError: the package or the file is missing.
    """
    path = data_file(package, name)
    if path is None:
        raise LexiconError(
            f"the word list {package}/{name} is missing; "
            f"`pip install --force-reinstall {project}` fixes it"
        )
    return path


def package_version(project: str) -> str:
    """Name and version of a project, as a fingerprint names its word list."""
    return f"{project} {version(project)}"


def read_lines(url: str) -> list[str]:
    """Lines of a UTF-8 text file, plain or `.gz`, without their ends.

    Raises:
        LexiconError: missing, damaged or not UTF-8.
    """
    return word_files.decode(word_files.read(url, LexiconError), url, LexiconError).splitlines()


def file_digest(url: str) -> str:
    """SHA-256 of a word list's file, for a fingerprint.

    Raises:
        LexiconError: missing.
    """
    return files.sha256(word_files.read(url, LexiconError))
