"""Keeps the bytes of images out of shuffles: a row carries a reference, and its shard loads them.

A reference is a range of bytes of the input itself where that can be read by range (a plain tar, a
folder). Bytes that no input holds as they are, as in Parquet or gzip, are spilled to files in the
stage's own folder. A worker never holds more than one such file, or one shard that it writes.
"""

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from dalle_model.errors import DalleError
from dalle_model.files import sha256
from dalle_model.shards import image_of
from pipelines.crawl.books import PassedOver
from pipelines.crawl.images.image import InlineImage
from pipelines.crawl.inputs import Row
from pipelines.crawl.stored import StoredImage, StoredRef, ref_of
from pipelines.io.aside import ASIDE_BYTES, ByteRange, put_aside, take_back
from pipelines.io.keys import image_part
from pipelines.io.supplied import held_once
from pipelines.records import Candidate
from pipelines.rejection import Rejection

Values = dict[str, Any]
Packed = bytes
_END = b"\0"  # of a key: in none of them
_REMEDY = "let nothing write to the inputs, and run the same command again"
_NUM_VALUES = len(Candidate._fields) - 1  # all but the bytes, which come last


class CandidateRef(NamedTuple):
    """A candidate on its way to its shard.

    Args:
        candidate: without bytes.
        blob: where its bytes are; None for one whose image is still to be fetched.
        digest: of these bytes, where the key is that of a URL; never crosses the shuffle.
    """

    candidate: Candidate
    blob: ByteRange | None = None
    digest: str = ""


Spilled = CandidateRef | StoredRef | Rejection | PassedOver


class ChangedInputError(DalleError):
    """An image is no longer where it was read."""


def spill(
    rows: Iterable[Row],
    folder: str,
    limit: int = ASIDE_BYTES,
) -> Iterator[Spilled]:
    """Replace the bytes of each image by a reference, writing those that are nowhere else.

    A file is named after its content, so that repeating the work changes nothing.

    Args:
        rows: in any order.
        folder: URL of the folder for the files.
        limit: bytes of one file, after which it is written.
    """
    waiting: list[InlineImage | StoredImage] = []
    size = 0
    for row in rows:
        if isinstance(row, Rejection | PassedOver):
            yield row
        elif isinstance(row, Candidate):
            yield CandidateRef(row)
        elif row.blob is not None:
            yield _referring(row, row.blob)
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


def load(refs: Iterable[CandidateRef]) -> list[Values]:
    """The rows of candidates, with the bytes that they refer to; in no particular order.

    Bytes that several refer to are read once, and those of an image stand in its first row alone.

    Raises:
        ChangedInputError: other bytes are there now.
    """
    rows: list[Values] = []
    places: dict[ByteRange, list[CandidateRef]] = {}
    for ref in refs:
        if ref.blob is None:
            rows.append(ref.candidate._asdict())
        else:
            places.setdefault(ref.blob, []).append(ref)
    try:
        for place, encoded in take_back({place: place for place in places}):
            supplied = {"encoded": encoded, "sha256": sha256(encoded)}
            for ref in places[place]:
                _check(encoded, ref, place.location)
                rows.append(ref.candidate._asdict() | supplied)
    except EOFError as error:
        raise ChangedInputError(f"{error}; {_REMEDY}") from error
    return held_once(rows) if places else rows


def _write(
    waiting: list[InlineImage | StoredImage], folder: str
) -> Iterator[CandidateRef | StoredRef]:
    """Write images in the order of their keys, so that a shard finds its own next to each other."""
    if not waiting:
        return
    names = [image_part(row.encoded) for row in waiting]
    images = {name: row.encoded for name, row in zip(names, waiting, strict=True)}
    blobs = put_aside({name: images[name] for name in sorted(images)}, folder)
    for name, row in zip(names, waiting, strict=True):
        yield _referring(row, blobs[name])


def _referring(row: InlineImage | StoredImage, blob: ByteRange) -> CandidateRef | StoredRef:
    return ref_of(row, blob) if isinstance(row, StoredImage) else CandidateRef(row.candidate, blob)


def _check(encoded: bytes, ref: CandidateRef, location: str) -> None:
    if image_part(encoded) != (ref.digest or image_of(ref.candidate.key)):
        raise ChangedInputError(
            f"{location}: an image is not what it was when this stage read it; {_REMEDY}"
        )
