"""Keep lists: the 128-bit ids of the rows that a filter keeps, as DataComp publishes them.

A file of NumPy, of pairs of uint64, the upper half of an id first, sorted.
Source: mlfoundations/datacomp at 4a8df19, `baselines/apply_filter.py` and `resharder.py`.
"""

import io
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dalle_model import files
from dalle_model.errors import UsageError

UID = "uid"  # the column of DataComp's tables: 32 hex digits
UID_DTYPE = np.dtype("u8,u8")
NUM_DIGITS = 32
_HALF_DIGITS = 16
_CHECKED_AT_ONCE = 1 << 22  # ids; chosen: 64 MB
_DIGITS = np.full(256, 255, np.uint8)
for _text in (b"0123456789abcdef", b"0123456789ABCDEF"):
    _DIGITS[np.frombuffer(_text, np.uint8)] = np.arange(16)

Uids = NDArray[np.void]  # of `UID_DTYPE`


@dataclass(frozen=True, eq=False)
class KeptRows:
    """The rows of some tables that a filter keeps.

    Args:
        uids: sorted.
        rows_in: of all tables.
        dropped: how many for which reason.
    """

    uids: Uids
    rows_in: int
    dropped: Mapping[str, int]


class KeepListError(UsageError):
    """A keep list is not there, or is none; or a table has no ids."""


def uids_of(column: pa.Array | pa.ChunkedArray) -> Uids:
    """Ids that are written in 32 hex digits, in the order of their rows.

    Raises:
        KeepListError: one is not.
    """
    if isinstance(column, pa.ChunkedArray):
        return np.concatenate([np.zeros(0, UID_DTYPE), *map(uids_of, column.chunks)])
    try:
        fixed = column.cast(pa.binary()).cast(pa.binary(NUM_DIGITS))
        text = b"".join(fixed.to_pylist()) if fixed.offset else fixed.buffers()[1]
        digits = _DIGITS[np.frombuffer(text, np.uint8)[: len(column) * NUM_DIGITS]]
    except (pa.ArrowException, TypeError) as error:
        raise KeepListError(
            f"ids of {NUM_DIGITS} hexadecimal digits are expected: {error}"
        ) from error
    if column.null_count or (digits == _DIGITS[0]).any():
        raise KeepListError(f"ids of {NUM_DIGITS} hexadecimal digits are expected, and one is not")
    nibbles = digits.reshape(len(column), 2, _HALF_DIGITS)
    halves = (nibbles[..., ::2] << 4 | nibbles[..., 1::2]).view(">u8").astype("<u8")
    return halves.reshape(-1, 2).view(UID_DTYPE).reshape(len(column))


def in_order(parts: Iterable[Uids]) -> Uids:
    """Ids sorted."""
    uids = np.concatenate([np.zeros(0, UID_DTYPE), *parts])
    return uids[np.lexsort((uids["f1"], uids["f0"]))]


def write_uids(url: str, uids: Uids) -> None:
    """Write sorted ids as a keep list, whole or not at all."""
    with files.writing(url) as stream:
        np.lib.format.write_array(stream, uids, version=(1, 0), allow_pickle=False)


class KeepList:
    """A keep list on a disk, of which no more is read than a search asks for.

    Args:
        uids: sorted; may be mapped into memory.
    """

    def __init__(self, uids: Uids) -> None:
        self._halves = uids.view("<u8").reshape(-1).data

    def __len__(self) -> int:
        return len(self._halves) // 2

    def __getitem__(self, index: int) -> tuple[int, int]:
        return self._halves[2 * index], self._halves[2 * index + 1]

    def has(self, uid: str) -> bool:
        """Whether an id is in it; a text that is none is not."""
        try:
            wanted = int(uid[:_HALF_DIGITS], 16), int(uid[_HALF_DIGITS:], 16)
        except ValueError:
            return False
        place = bisect_left(self, wanted)
        return len(uid) == NUM_DIGITS and place < len(self) and self[place] == wanted


def open_keep_list(url: str) -> KeepList:
    """A keep list, opened once in a process.

    Raises:
        KeepListError: it cannot be read, or is none.
    """
    return _open(url, str(_identity(url)))


def keep_list_sha256(url: str) -> str:
    """The SHA-256 of a keep list that is sorted.

    Raises:
        KeepListError: it is not, cannot be read, or is none.
    """
    _identity(url)
    uids = _read(url)
    for start in range(0, len(uids), _CHECKED_AT_ONCE):
        part = uids[start : start + _CHECKED_AT_ONCE + 1]
        high, low = part["f0"], part["f1"]
        ascends = (high[1:] > high[:-1]) | ((high[1:] == high[:-1]) & (low[1:] >= low[:-1]))
        if not ascends.all():
            raise KeepListError(f"{url} is not sorted; `np.save(path, np.sort(uids))` mends it")
    return files.sha256_of(url)


def _identity(url: str) -> object:
    try:
        return files.identity(url)
    except Exception as error:  # whatever the file system of a URL raises
        raise KeepListError(f"{url} cannot be read: {type(error).__name__}: {error}") from error


@lru_cache(maxsize=2)
def _open(url: str, identity: str) -> KeepList:
    del identity  # another one where the file has changed
    return KeepList(_read(url))


def _read(url: str) -> Uids:
    try:
        if files.is_local(url):
            found = np.load(files.local_path(url), mmap_mode="r", allow_pickle=False)
        else:
            found = np.load(io.BytesIO(files.read_bytes(url)), allow_pickle=False)
    except ValueError as error:
        raise KeepListError(f"{url} is no keep list: {error}") from error
    if found.dtype != UID_DTYPE or found.ndim != 1:
        raise KeepListError(
            f"{url} is no keep list: it holds {found.dtype} of the shape {found.shape}, not pairs "
            "of uint64, as `dalle keep` and DataComp write them"
        )
    uids: Uids = found
    return uids
