"""Keeps the bytes of images out of shuffles: a row carries a reference, and its shard loads them.

A reference is a range of bytes of the input itself where that can be read by range (a plain tar, a
folder). Bytes that no input holds as they are, as in Parquet or gzip, are spilled to files in the
stage's own folder. A worker never holds more than one such file, or one shard that it writes.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from dalle_model.errors import DalleError
from dalle_model.shards import image_of
from pipelines.crawl.books import PassedOver
from pipelines.io.aside import ASIDE_BYTES, ByteRange, put_aside, take_back
from pipelines.io.keys import image_part
from pipelines.records import Candidate
from pipelines.rejection import Rejection

Row = dict[str, Any]
Packed = bytes
_END = b"\0"  # of a key: in none of them
_REMEDY = "let nothing write to the inputs, and run the same command again"
_NUM_VALUES = len(Candidate._fields) - 1  # all but the bytes, which come last


class CandidateRef(NamedTuple):
    """A candidate on its way to its shard.

    Args:
        candidate: without bytes.
        blob: where its bytes are; None for one whose image is still to be fetched.
    """

    candidate: Candidate
    blob: ByteRange | None = None


@dataclass(frozen=True)
class InlineImage:
    """A candidate with its bytes.

    Args:
        candidate: without bytes.
        encoded: the bytes.
        blob: where else they are; None where they are nowhere else as they are.
    """

    candidate: Candidate
    encoded: bytes
    blob: ByteRange | None = None


class ChangedInputError(DalleError):
    """An image is no longer where it was read."""


def spill(
    rows: Iterable[Candidate | InlineImage | Rejection | PassedOver],
    folder: str,
    limit: int = ASIDE_BYTES,
) -> Iterator[CandidateRef | Rejection | PassedOver]:
    """Replace the bytes of each candidate by a reference, writing those that are nowhere else.

    A file is named after its content, so that repeating the work changes nothing.

    Args:
        rows: in any order.
        folder: URL of the folder for the files.
        limit: bytes of one file, after which it is written.
    """
    waiting: list[InlineImage] = []
    size = 0
    for row in rows:
        if isinstance(row, Rejection | PassedOver):
            yield row
        elif isinstance(row, Candidate):
            yield CandidateRef(row)
        elif row.blob is not None:
            yield CandidateRef(row.candidate, row.blob)
        else:
            waiting.append(row)
            size += len(row.encoded)
            if size >= limit:
                yield from _write(waiting, folder)
                waiting, size = [], 0
    yield from _write(waiting, folder)


def pack(ref: CandidateRef) -> Packed:
    """A reference as it crosses a shuffle, where a runner holds rows by the million.

    Its key comes first and can be read by itself.
    """
    blob = (os.fsencode(ref.blob.location), *ref.blob[1:]) if ref.blob else ()  # may be no UTF-8
    values = ref.candidate[1:_NUM_VALUES] + blob
    return ref.candidate.key.encode() + _END + msgspec.msgpack.encode(values)


def key_of(packed: Packed) -> str:
    """The key of what was packed."""
    return packed[: packed.index(_END)].decode()


def unpack(packed: Packed) -> CandidateRef:
    """What was packed."""
    key, _, rest = packed.partition(_END)
    values = [key.decode(), *msgspec.msgpack.decode(rest)]
    candidate, blob = Candidate(*values[:_NUM_VALUES]), values[_NUM_VALUES:]
    return CandidateRef(candidate, ByteRange(os.fsdecode(blob[0]), *blob[1:]) if blob else None)


def load(refs: Iterable[CandidateRef]) -> list[Row]:
    """The rows of candidates, with the bytes that they refer to; in no particular order.

    Raises:
        ChangedInputError: other bytes are there now.
    """
    rows: list[Row] = []
    found: list[Candidate] = []
    places: dict[int, ByteRange] = {}
    for candidate, blob in refs:
        if blob is None:
            rows.append(candidate._asdict())
        else:
            places[len(found)] = blob
            found.append(candidate)
    try:
        for number, encoded in take_back(places):
            _check(encoded, found[number].key, places[number].location)
            rows.append(found[number]._asdict() | {"encoded": encoded})
    except EOFError as error:
        raise ChangedInputError(f"{error}; {_REMEDY}") from error
    return rows


def _write(waiting: list[InlineImage], folder: str) -> Iterator[CandidateRef]:
    """Write images in the order of their keys, so that a shard finds its own next to each other."""
    if not waiting:
        return
    images = {image_of(row.candidate.key): row.encoded for row in waiting}
    blobs = put_aside({name: images[name] for name in sorted(images)}, folder)
    for row in waiting:
        yield CandidateRef(row.candidate, blobs[image_of(row.candidate.key)])


def _check(encoded: bytes, key: str, location: str) -> None:
    if image_part(encoded) != image_of(key):
        raise ChangedInputError(
            f"{location}: an image is not what it was when this stage read it; {_REMEDY}"
        )
