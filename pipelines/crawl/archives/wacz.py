"""The web archives in a WACZ: a zip of WARC files, as Browsertrix and ArchiveWeb.page write it.

Nothing is extracted: an archive is read where it lies, a deflated one as it is inflated, and no
name in the zip becomes one on a disk. Source: webrecorder/specs, "WACZ", version 1.1.1.
"""

import io
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, cast

from pipelines.crawl.archives.inflated import RAW_WBITS, Inflated
from pipelines.crawl.archives.kinds import Kind
from pipelines.crawl.archives.sections import Slice
from pipelines.crawl.archives.warc import passed_over, read_warc
from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import rejection
from pipelines.crawl.pages.page import Page
from pipelines.crawl.stored import StoredImage
from pipelines.rejection import Rejection

SUFFIXES = (".warc", ".warc.gz", ".warc.zst")

_MAX_DIRECTORY_BYTES = 16 << 20  # chosen: some 200,000 members, where archives have a few dozen
_MAX_RATIO = 200  # chosen: ten times what text deflates by; a bomb reaches 1,000
_ENCRYPTED = 1  # Source: APPNOTE.TXT 6.3.10, section 4.4.4
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # Source: APPNOTE.TXT 6.3.10, section 4.3.7
_LOCAL_MAGIC = b"PK\x03\x04"


class BadMemberError(ValueError):
    """A member of a zip cannot be read."""


def read_wacz(
    stream: BinaryIO, max_page_bytes: int, max_image_bytes: int = 0
) -> Iterator[Page | StoredImage | Rejection | PassedOver]:
    """The pages of all archives in a zip, with the rejections and counts of `read_warc`.

    A zip that cannot be listed or has no archive, and an archive that cannot be opened, are one
    `bad_record` each. Other members are counted.

    Args:
        stream: seekable.
        max_page_bytes: as in `read_warc`.
        max_image_bytes: as in `read_warc`.
    """
    try:
        members = _members(stream)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        yield _bad(f"not a zip, or a damaged one: {error}")
        return
    passed: Counter[str] = Counter()
    archives = [member for member in members if member.filename.lower().endswith(SUFFIXES)]
    for number, member in enumerate(archives):
        before = archives[number - 1] if number else None
        for row in _rows(stream, member, before, (max_page_bytes, max_image_bytes)):
            if isinstance(row, PassedOver):
                passed[row.what] += row.count
            else:
                yield row
    if not archives:
        yield _bad("no WARC in the zip")
    if others := len(members) - len(archives):
        passed[Kind.OTHER_MEMBER] = others
    yield from passed_over(passed)


def _members(stream: BinaryIO) -> list[zipfile.ZipInfo]:
    """The files in a zip, in the order in which they lie."""
    stream.seek(0)
    with zipfile.ZipFile(cast(BinaryIO, _Bounded(stream))) as listed:
        files = [info for info in listed.infolist() if not info.is_dir()]
    return sorted(files, key=lambda info: info.header_offset)


def _rows(
    stream: BinaryIO,
    member: zipfile.ZipInfo,
    before: zipfile.ZipInfo | None,
    limits: tuple[int, int],
) -> Iterator[Page | StoredImage | Rejection | PassedOver]:
    try:
        _check(member, before)
        content = _content(stream, member)
    except BadMemberError as error:
        yield _bad(f"a WARC in the zip {error}")
        return
    archive = cast(BinaryIO, io.BufferedReader(content))
    yield from read_warc(archive, limits[0], max_image_bytes=limits[1])
    if isinstance(content, Inflated) and content.is_damaged:
        yield _bad("a WARC in the zip is damaged")


def _check(member: zipfile.ZipInfo, before: zipfile.ZipInfo | None) -> None:
    """Refuse what no tool writes: what is hidden, packed otherwise, or many times as large."""
    if member.flag_bits & _ENCRYPTED:
        raise BadMemberError("is encrypted")
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BadMemberError(f"is packed by method {member.compress_type}, not stored or deflated")
    if member.file_size > _MAX_RATIO * (member.compress_size + 1):
        raise BadMemberError(f"inflates more than {_MAX_RATIO} times")
    if before and member.header_offset < before.header_offset + before.compress_size:
        raise BadMemberError("overlaps another one")


def _content(stream: BinaryIO, member: zipfile.ZipInfo) -> io.RawIOBase:
    """What a member holds, as a stream; seekable."""
    stream.seek(member.header_offset)
    header = stream.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_MAGIC):
        raise BadMemberError("is not where the zip says")
    _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
    start = member.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes
    stop = start + member.compress_size
    if stream.seek(0, io.SEEK_END) < stop:
        raise BadMemberError("is cut")
    packed = Slice(stream, start, stop)
    if member.compress_type == zipfile.ZIP_STORED:
        return packed
    return Inflated(cast(BinaryIO, packed), RAW_WBITS, member.file_size, member.CRC)


def _bad(detail: str) -> Rejection:
    return rejection("", "", "bad_record", detail)


class _Bounded(io.RawIOBase):
    """A stream that refuses to be read whole at once, as `zipfile` reads the list of members."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(_MAX_DIRECTORY_BYTES + 1 if size < 0 else size)
        if max(size, len(content)) > _MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its list of members is too large")
        return content
