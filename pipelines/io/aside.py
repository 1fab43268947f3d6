"""Bytes put aside in files, for a later step of the same stage: they never cross a shuffle."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple, TypeVar

from dalle_model import files
from pipelines.io.keys import image_part

ASIDE_BYTES = 64 << 20  # of one file; chosen: few files, and little to hold

Name = TypeVar("Name")


class ByteRange(NamedTuple):
    """Where some bytes are; never part of a row that is written.

    Args:
        location: URL of the file.
        offset: of the first byte.
        length: in bytes.
    """

    location: str
    offset: int
    length: int


def put_aside(contents: Mapping[Name, bytes], folder: str) -> dict[Name, ByteRange]:
    """Write contents to one file, in the order given, and say where each is.

    The file is named after its content, so that repeating the work changes nothing.
    """
    content = b"".join(contents.values())
    location = files.join(folder, f"{image_part(content)}.bin")
    files.write_bytes(location, content)
    places: dict[Name, ByteRange] = {}
    offset = 0
    for name, part in contents.items():
        places[name] = ByteRange(location, offset, len(part))
        offset += len(part)
    return places


def take_back(places: Mapping[Name, ByteRange]) -> Iterator[tuple[Name, bytes]]:
    """The contents at some places, those that lie side by side in one request.

    Raises:
        FileNotFoundError: a file is gone.
    """
    in_order = sorted(places.items(), key=lambda item: item[1])
    for _, group in groupby(_with_runs(in_order), lambda item: item[0]):
        side_by_side = [(name, place) for _, name, place in group]
        first, last = side_by_side[0][1], side_by_side[-1][1]
        length = last.offset + last.length - first.offset
        content = memoryview(files.read_range(first.location, first.offset, length))
        for name, place in side_by_side:
            begin = place.offset - first.offset
            yield name, bytes(content[begin : begin + place.length])


def _with_runs(
    in_order: Iterable[tuple[Name, ByteRange]],
) -> Iterator[tuple[int, Name, ByteRange]]:
    """Places with the number of the run, without holes and of at most a file, that each is in."""
    run, end = 0, ("", 0)
    for name, place in in_order:
        if end != (place.location, place.offset):
            run += 1
        end = place.location, place.offset + place.length
        yield run, name, place
