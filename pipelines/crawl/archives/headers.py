"""The header of a WARC record in the spelling that the parser knows.

Names of fields, record types and media types have no case, and the parser looks for one spelling.
Source: ISO 28500:2017, section 4 and 5.5; RFC 9110, section 8.3.1.
"""

import io
import re
from typing import BinaryIO, cast

from pipelines.crawl.archives.sections import Section
from pipelines.crawl.archives.starts import BLANK_LINE, HEADER_BYTES

_KNOWN = re.compile(
    rb"^(content-length|content-type|warc-type|warc-target-uri)[ \t]*:[ \t]*([^\r\n]*)", re.I | re.M
)
_SPELLINGS = {
    b"content-length": b"Content-Length",
    b"content-type": b"Content-Type",
    b"warc-type": b"WARC-Type",
    b"warc-target-uri": b"WARC-Target-URI",
}
_HTTP = re.compile(rb"application/http\b", re.I)


def canonical_header(header: bytes) -> bytes:
    """The same header, its known fields and their tokens in the spelling of the standard."""
    return _KNOWN.sub(_canonical, header)


def with_canonical_header(section: Section) -> BinaryIO:
    """The content of a plain section, its first header in that spelling."""
    content = section.open()
    head = content.read(HEADER_BYTES)
    header, blank_line, rest = head.partition(BLANK_LINE)
    joined = _Joined(canonical_header(header) + blank_line + rest, content, section.is_damaged)
    return cast(BinaryIO, io.BufferedReader(joined))


class _Joined(io.RawIOBase):
    """A head and the rest of a stream; where that is damaged, its end is an error."""

    def __init__(self, head: bytes, rest: BinaryIO, is_damaged: bool) -> None:
        self._head, self._rest, self._is_damaged = head, rest, is_damaged
        self._position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        size = len(buffer)
        content, self._head = self._head[:size], self._head[size:]
        content = content or self._rest.read(size)
        if not content and size and self._is_damaged:
            raise OSError("damaged compression")
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)


def _canonical(field: re.Match[bytes]) -> bytes:
    name, value = field[1].lower(), field[2]
    if name == b"warc-type":
        value = value.lower()
    elif name == b"content-type":
        value = _HTTP.sub(b"application/http", value)
    return _SPELLINGS[name] + b": " + value
