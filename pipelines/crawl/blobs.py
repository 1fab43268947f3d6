"""Where the bytes of a picture stand, while its row travels without them.

No picture crosses a shuffle: a row carries the place of its bytes, and whoever writes the shard
reads them. A place is the input itself where that can be read by range (a plain tar, a folder);
bytes that stand in none, as in Parquet or gzip, are put aside in files of the stage's own folder.
At any time a worker holds the bytes of one such file, or of one shard that it writes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.shards import image_of
from pipelines.io.keys import image_part
from pipelines.records import Candidate
from pipelines.rejection import Rejection

ASIDE = f"{files.TEMPORARY_PREFIX}pictures"  # a name that is swept when the stage has ended
ASIDE_BYTES = 64 << 20  # chosen: few files, and little to hold

Row = dict[str, Any]
Packed = bytes
_NUM_VALUES = len(Candidate._fields) - 1  # all but the bytes, which stand last


class Place(NamedTuple):
    """A range of bytes; no part of any row that is written."""

    location: str = ""
    offset: int = 0
    length: int = 0


NOWHERE = Place()


class Placed(NamedTuple):
    """A candidate on its way to its shard, with the place of its bytes if it brings any."""

    candidate: Candidate
    place: Place = NOWHERE


@dataclass(frozen=True)
class Brought:
    """A candidate with its bytes, which stand nowhere else where `place` is `NOWHERE`."""

    candidate: Candidate
    encoded: bytes
    place: Place = NOWHERE


class ChangedInputError(DalleError):
    """A picture is no longer where it was read."""


def put_aside(
    rows: Iterable[Candidate | Brought | Rejection], folder: str, limit: int = ASIDE_BYTES
) -> Iterator[Placed | Rejection]:
    """Give each candidate a place, writing the bytes that have none to files.

    A file is named by its content: to do the work again changes nothing.

    Args:
        rows: in any order.
        folder: URL of the folder for the files.
        limit: bytes of one file, after which it is written.
    """
    waiting: list[Brought] = []
    size = 0
    for row in rows:
        if isinstance(row, Rejection):
            yield row
        elif isinstance(row, Candidate):
            yield Placed(row)
        elif row.place != NOWHERE:
            yield Placed(row.candidate, row.place)
        else:
            waiting.append(row)
            size += len(row.encoded)
            if size >= limit:
                yield from _write_aside(waiting, folder)
                waiting, size = [], 0
    yield from _write_aside(waiting, folder)


def pack(placed: Placed) -> Packed:
    """A candidate as it crosses a shuffle, where a runner holds rows by the million."""
    return msgspec.msgpack.encode(placed.candidate[:_NUM_VALUES] + placed.place)


def unpack(packed: Packed) -> Placed:
    """What was packed."""
    values = msgspec.msgpack.decode(packed)
    return Placed(Candidate(*values[:_NUM_VALUES]), Place(*values[_NUM_VALUES:]))


def take_back(placed: list[Placed]) -> list[Row]:
    """The rows of candidates, with the bytes that stand at their places.

    Raises:
        ChangedInputError: other bytes stand there now.
    """
    rows: list[Row] = []
    for location, group in groupby(sorted(placed, key=attrgetter("place")), _location):
        if not location:
            rows += [candidate._asdict() for candidate, _ in group]
            continue
        with files.open_read(location) as stream:
            for candidate, place in group:
                stream.seek(place.offset)
                encoded = stream.read(place.length)
                _check(encoded, candidate.key, location)
                rows.append(candidate._asdict() | {"encoded": encoded})
    return rows


def _location(placed: Placed) -> str:
    return placed.place.location


def _write_aside(waiting: list[Brought], folder: str) -> Iterator[Placed]:
    """Pictures in the order of their keys, so that a shard finds its own side by side."""
    if not waiting:
        return
    pictures = {image_of(row.candidate.key): row.encoded for row in waiting}
    content = b"".join(pictures[name] for name in sorted(pictures))
    location = files.join(folder, f"{image_part(content)}.bin")
    files.write_bytes(location, content)
    places: dict[str, Place] = {}
    offset = 0
    for name in sorted(pictures):
        places[name] = Place(location, offset, len(pictures[name]))
        offset += len(pictures[name])
    for row in waiting:
        yield Placed(row.candidate, places[image_of(row.candidate.key)])


def _check(encoded: bytes, key: str, location: str) -> None:
    if image_part(encoded) != image_of(key):
        raise ChangedInputError(
            f"{location}: a picture is not what it was when this stage read it; "
            "let nothing write to the inputs, and run the same command again"
        )
