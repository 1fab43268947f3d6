"""The members of a tar, found by walking from header to header; nothing is ever extracted.

A name is text here, never a path: links are not followed, `..` leads nowhere.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_BLOCK = 512  # bytes. Source: POSIX.1-2001, `pax`, "ustar Interchange Format", like what follows
_MAGIC = slice(257, 262)
_SEARCH_BYTES = 1 << 20
_MAX_EXTENSION_BYTES = 1 << 20  # chosen: of a header that only holds a name
_LONG_NAMES = {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_EXTENSIONS = {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE} | _LONG_NAMES
_FILES = {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE}


@dataclass(frozen=True)
class Member:
    """One member, or a position where a header should be but is not.

    Args:
        position: of its first header, in bytes.
        name: as written, bytes that are no UTF-8 as in `os.fsdecode`; empty where there is no
            header.
        offset: of its content, in bytes.
        size: of its content, in bytes.
        is_file: a plain file: no folder, link or device.
        is_folder: it only names a folder.
        is_damaged: no header can be read here.
    """

    position: int
    name: str = ""
    offset: int = 0
    size: int = 0
    is_file: bool = False
    is_folder: bool = False
    is_damaged: bool = False


def read_members(stream: BinaryIO) -> Iterator[Member]:
    """Each member in the order of the archive; after damage, from the next header on.

    Args:
        stream: seekable forward; the caller may read the content of each member.
    """
    position = 0
    while (found := _next_block(stream, position)) is not None:
        position, block = found
        member, end = _member(stream, position, block)
        yield member
        position = end if not member.is_damaged else _next_header(stream, position + _BLOCK)


def _next_block(stream: BinaryIO, position: int) -> tuple[int, bytes] | None:
    """The next block that is not all zero, and its position; None at the end."""
    stream.seek(position)
    block = stream.read(_BLOCK)
    while block and not block.strip(b"\0"):
        position += len(block)
        block = stream.read(_BLOCK)
    return (position, block) if block else None


def _member(stream: BinaryIO, position: int, block: bytes) -> tuple[Member, int]:
    """The member whose headers begin with a block, and where the next one should begin."""
    offset, header = position, _header(block)
    extension: dict[str, str] = {}
    while header is not None and header.type in _EXTENSIONS:
        content = _extension(stream, header.size)
        if content is None:
            return Member(position, is_damaged=True), position
        extension |= _values(content, header.type)
        offset += _BLOCK + _padded(header.size)
        header = _header(stream.read(_BLOCK))
    if header is None:
        return Member(position, is_damaged=True), position
    size = _size(extension, header.size)
    has_content = header.type in _FILES or header.type not in tarfile.SUPPORTED_TYPES
    offset += _BLOCK  # of the content
    name = extension.get("path", header.name)
    is_file, is_folder = header.type in _FILES, header.type == tarfile.DIRTYPE
    member = Member(position, name, offset, size, is_file, is_folder)
    return member, offset + (_padded(size) if has_content else 0)


def _header(block: bytes) -> tarfile.TarInfo | None:
    """A header whose checksum holds."""
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return None
    return header if header.size >= 0 else None


def _extension(stream: BinaryIO, size: int) -> bytes | None:
    if size > _MAX_EXTENSION_BYTES:
        return None
    content = stream.read(_padded(size))
    return content[:size] if len(content) == _padded(size) else None


def _values(content: bytes, kind: bytes) -> dict[str, str]:
    """What an extension header says about the next one; nothing for kinds without names."""
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": content.rstrip(b"\0").decode("utf-8", "surrogateescape")}
    if kind not in {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE}:
        return {}
    values = {}
    while content:  # "<length of the line> <key>=<value>\n"
        digits, _, _ = content[:20].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        if not len(digits) < length <= len(content):
            break
        key, _, value = content[len(digits) + 1 : length - 1].partition(b"=")
        values[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        content = content[length:]
    return {key: values[key] for key in ("path", "size") if key in values}


def _size(extension: dict[str, str], size: int) -> int:
    text = extension.get("size", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else size


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _next_header(stream: BinaryIO, position: int) -> int:
    """The position of the next header; the end of the stream where there is none."""
    stream.seek(position)
    while chunk := stream.read(_SEARCH_BYTES):
        for offset in range(0, len(chunk), _BLOCK):
            block = chunk[offset : offset + _BLOCK]
            if block[_MAGIC] == b"ustar" and _header(block) is not None:
                return position + offset
        position += len(chunk)
    return position
