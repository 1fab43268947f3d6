"""Bytes that never cross a shuffle: put aside in files, or left in inputs, and taken from there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.ranges import read_range
from pipelines.io.keys import image_part

ASIDE_BYTES = 64 << 20  # of one file; chosen: few files, and little to hold
# What is skipped rather than asked for apart. Source: fsspec `parquet.py`, `max_gap`.
_HOLE_BYTES = 64_000
_REQUEST_BYTES = 8 << 20  # as `ranges.BLOCK_BYTES`, and for its reasons; an image may be larger
# As many as botocore connects: 300 images/s where a store answers in 30 ms. Source: botocore
# `Config`, `max_pool_connections`.
_REQUESTS_AT_ONCE = 10

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


Item = tuple[Name, ByteRange]


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
    """The contents at some places; in no particular order.

    A file on a disk is opened once and read forwards. Of an object in a store, what lies next to
    each other comes in one request, and several are under way at once: beside what was yielded,
    some 170 MB are held at most. One of which no range can be had is read whole, once.

    Raises:
        FileNotFoundError: a file is gone.
        EOFError: a file is shorter than it was.
    """
    in_order = sorted(places.items(), key=lambda item: item[1])
    for is_local, items in groupby(in_order, lambda item: files.is_local(item[1].location)):
        load = _from_disk if is_local else _from_store
        yield from load(items)


def _from_disk(in_order: Iterable[Item[Name]]) -> Iterator[tuple[Name, bytes]]:
    for location, items in groupby(in_order, lambda item: item[1].location):
        with files.open_read(location) as stream:
            for name, place in items:
                stream.seek(place.offset)
                yield name, _whole(stream.read(place.length), place)


def _from_store(in_order: Iterable[Item[Name]]) -> Iterator[tuple[Name, bytes]]:
    runs = list(_runs(in_order))
    whole, whole_of = b"", ""
    with closing(at_once(_read_run, runs, _REQUESTS_AT_ONCE, 1)) as contents:
        for run, found in zip(runs, contents, strict=True):
            location, first, _ = run[0][1]
            if found is None and location != whole_of:
                whole, whole_of = files.read_bytes(location), location
            content, start = (whole, 0) if found is None else (found, first)
            for name, place in run:
                begin = place.offset - start
                yield name, _whole(content[begin : begin + place.length], place)


def _runs(in_order: Iterable[Item[Name]]) -> Iterator[list[Item[Name]]]:
    """Places parted into what one request is for."""
    run: list[Item[Name]] = []
    location, start, end = "", 0, 0
    for name, place in in_order:
        stop = max(end, place.offset + place.length)
        is_near = place.offset <= end + _HOLE_BYTES and stop <= start + _REQUEST_BYTES
        if run and (place.location != location or not is_near):
            yield run
            run = []
        if not run:
            location, start, stop = place.location, place.offset, place.offset + place.length
        run.append((name, place))
        end = stop
    if run:
        yield run


def _read_run(run: Sequence[Item[Any]]) -> bytes | None:
    first = run[0][1]
    end = max(place.offset + place.length for _, place in run)
    return read_range(first.location, first.offset, end - first.offset)


def _whole(content: bytes, place: ByteRange) -> bytes:
    if len(content) < place.length:
        end = place.offset + place.length
        raise EOFError(f"{place.location} ends before byte {end}, up to which it was read before")
    return content
