"""Files that a recipe needs and nobody may ship: read, checked, and kept once in a process."""

import io
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dalle_model import files
from dalle_model.errors import UsageError

_T = TypeVar("_T")
_NUMPY = b"\x93NUMPY"  # Source: NumPy, NEP 1
_WHERE = {
    "wordnet": "WordNet 3.0 comes with Debian's wordnet-base, as /usr/share/wordnet",
    "synsets": "DataComp publishes its list as imagenet21k_wordnet_ids.txt",
    "entries": "give a text file with an entry a line, or a JSON list",
    "centroids": "give a NumPy file of `[clusters, width]`",
    "targets": "give a NumPy file of numbers of clusters, or of embeddings",
}
_kept: dict[Any, tuple[Any, Any]] = {}


class ListError(UsageError):
    """A file that a recipe needs is not there, or is none of its kind."""


def loaded(make: Callable[..., _T], *args: str, depends_on: Sequence[str]) -> _T:
    """What is made of some files; made again where one of them has changed.

    Args:
        make: of `args`; the latest thing that it made is kept.
        args: of it.
        depends_on: URLs of the files.
    """
    stamp = (args, tuple(_stamp(url) for url in depends_on))
    if make not in _kept or _kept[make][0] != stamp:
        _kept[make] = (stamp, make(*args))
    found: _T = _kept[make][1]
    return found


def read_list(url: str, setting: str) -> bytes:
    """The content of the file of a setting.

    Raises:
        ListError: it cannot be read.
    """
    try:
        return files.read_bytes(url)
    except Exception as error:  # whatever the file system of a URL raises
        raise ListError(
            f"select.{setting}: {url} cannot be read: {type(error).__name__}: {error}; "
            f"{_WHERE[setting]}"
        ) from error


def is_array(content: bytes) -> bool:
    """Whether it is of NumPy."""
    return content.startswith(_NUMPY)


def array_in(content: bytes, url: str, setting: str) -> NDArray[Any]:
    """The array of a NumPy file.

    Raises:
        ListError: it is none.
    """
    try:
        found: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except ValueError as error:
        raise ListError(f"select.{setting}: {url}: {error}; {_WHERE[setting]}") from error
    return found


def texts_in(url: str, setting: str) -> list[str]:
    """The texts of a JSON list, or of a text file with one a line.

    Raises:
        ListError: it is neither, or not UTF-8.
    """
    content = read_list(url, setting)
    try:
        text = content.decode("utf-8-sig")
        found = json.loads(text) if text.lstrip().startswith("[") else text.splitlines()
    except ValueError as error:
        raise ListError(f"select.{setting}: {url}: {error}; {_WHERE[setting]}") from error
    if not all(isinstance(entry, str) for entry in found):
        raise ListError(f"select.{setting}: {url} holds more than texts; {_WHERE[setting]}")
    return found if isinstance(found, list) else list(found)


def _stamp(url: str) -> Any:
    try:
        return files.identity(url)
    except OSError:
        return None  # who reads it says so
