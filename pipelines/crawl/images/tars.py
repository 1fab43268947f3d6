"""WebDataset tars, img2dataset's among them: the files of one sample share a name up to the dot.

Images, `.txt` and `.json` are read; all else (`.cls`, `.pkl`, links) is skipped unread.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from pipelines.crawl.blobs import ByteRange
from pipelines.crawl.candidates import rejection
from pipelines.crawl.images.image import (
    MAX_TEXT_BYTES,
    Image,
    images_of,
    read_sidecar,
    url_of,
)
from pipelines.crawl.images.members import Member, read_members
from pipelines.crawl.images.names import IMAGE_SUFFIXES
from pipelines.crawl.sources import Source
from pipelines.crawl.splits import WHOLE, Claim, Extent, every
from pipelines.crawl.streams import DAMAGED_GZIP, gunzip, is_gzip
from pipelines.rejection import Rejection

TAR_SPLIT_BYTES = 256 << 20  # chosen: each part walks over all earlier headers


@dataclass
class _Sample:
    """The files of one name, while they are read.

    Args:
        key: their name up to its first dot.
        is_read: False for a sample that starts before the part; its files are not read.
        suffixes: seen so far; a repeated one begins another sample.
        files: content of `txt` and `json`.
        image: the first one.
        encoded: its content; empty above the limit.
        is_cut: the tar ends inside one of the files.
    """

    key: str | None = None
    is_read: bool = False
    suffixes: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    image: Member | None = None
    encoded: bytes = b""
    is_cut: bool = False


def read_tar(
    stream: BinaryIO,
    location: str,
    source: Source,
    max_image_bytes: int,
    start: int = 0,
    claim: Claim = every,
) -> Iterator[Image | Rejection]:
    """The samples that start at or after a position, as one image for each of their captions.

    Args:
        stream: plain or gzipped tar; seekable.
        location: where the stream can be opened again.
        source: names the keys of the `.json`.
        max_image_bytes: larger images are not read.
        start: in bytes.
        claim: asked for the start of each sample, or once for a gzipped tar.
    """
    if not is_gzip(stream):
        yield from _read_samples(stream, location, source, max_image_bytes, start, claim)
        return
    if start > 0 or not claim(0):
        return
    try:
        yield from _read_samples(gunzip(stream), "", source, max_image_bytes, 0, every)
    except DAMAGED_GZIP:
        yield rejection("", "", "bad_record", "damaged compression")


def tar_extent(stream: BinaryIO) -> Extent:
    """Bytes; one piece for a gzipped tar, since a deflated stream is read from its beginning."""
    if is_gzip(stream):
        return WHOLE
    return Extent(stream.seek(0, io.SEEK_END), TAR_SPLIT_BYTES)


def _read_samples(
    stream: BinaryIO, location: str, source: Source, limit: int, start: int, claim: Claim
) -> Iterator[Image | Rejection]:
    sample = _Sample()
    for member in read_members(stream):
        key, suffix = _split(member.name)
        if not member.is_damaged and (not member.is_file or not suffix):
            continue
        if member.is_damaged or key != sample.key or suffix in sample.suffixes:
            yield from _finish(sample, location, source)
            is_mine = member.position >= start
            sample = _Sample(key, is_mine)
            if is_mine and not claim(member.position):
                return
        sample.suffixes.add(suffix)
        if member.is_damaged and sample.is_read:
            yield rejection("", "", "bad_record", "not a tar header")
        elif sample.is_read:
            _take(sample, member, suffix, stream, limit)
    yield from _finish(sample, location, source)


def _take(sample: _Sample, member: Member, suffix: str, stream: BinaryIO, limit: int) -> None:
    """Read a file of a sample if it is an image or text."""
    if f".{suffix}" in IMAGE_SUFFIXES and sample.image is None:
        sample.image = member
        if member.size <= limit:
            sample.encoded = _read(sample, member, stream, member.size)
    elif suffix in {"txt", "json"}:
        sample.files[suffix] = _read(sample, member, stream, MAX_TEXT_BYTES + 1)


def _read(sample: _Sample, member: Member, stream: BinaryIO, limit: int) -> bytes:
    wanted = min(member.size, limit)
    stream.seek(member.offset)
    content = stream.read(wanted)
    sample.is_cut = sample.is_cut or len(content) < wanted
    return content


def _finish(sample: _Sample, location: str, source: Source) -> Iterator[Image | Rejection]:
    """The rows of a sample whose files have all been seen."""
    member, encoded = sample.image, sample.encoded
    if member is None and not sample.files:
        return
    if sample.is_cut:
        yield rejection(url_of("", encoded), "", "bad_record", "shorter than its header says")
        return
    try:
        sidecar = read_sidecar(
            sample.files.get("txt"), sample.files.get("json"), source, is_line_a_caption=False
        )
    except ValueError as error:
        yield rejection(url_of("", encoded), "", "bad_metadata", str(error))
        return
    if member is None:
        for caption in sidecar.captions:
            yield rejection(sidecar.url, caption, "no_picture", "no picture in the sample")
        return
    blob = ByteRange(location, member.offset, member.size) if location else None
    yield from images_of(sidecar, source, encoded, blob, member.size)


def _split(name: str) -> tuple[str, str]:
    """The name up to the first dot of its last part, and the suffix after it, in lower case.

    Source: webdataset `tariterators.py`, `base_plus_ext`.
    """
    folder, slash, last = name.rpartition("/")
    stem, _, suffix = last.partition(".")
    return (folder + slash + stem, suffix.lower()) if stem else ("", "")
