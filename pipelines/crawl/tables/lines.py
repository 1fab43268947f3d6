"""The lines of a text file, whatever its encoding and line ends, from any byte on."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Self, cast

from pipelines.crawl.splits import Claim, every
from pipelines.crawl.streams import DAMAGED_GZIP, gunzip, is_gzip
from pipelines.crawl.tables.rows import Damage
from pipelines.crawl.text_encoding import UTF8, decode_line, encoding_of

MAX_LINE_BYTES = 1 << 20  # chosen: a longer line is dropped; a hundred times the longest caption
_HEAD_BYTES = 1 << 16  # chosen: shows the encoding and the line ends
_BLOCK_BYTES = 1 << 16
_TOO_LONG = Damage(f"a line of more than {MAX_LINE_BYTES} bytes")
_BAD_GZIP = Damage("damaged compression")

Line = tuple[int, str]  # the position of a line, and its text with its line break


class UnreadableLine(str):
    """A line that is no text: with U+FFFD for what it is not, or empty where it is not held.

    Its characters show where its cells and quotes are, and go into no row.
    """

    damage: Damage

    def __new__(cls, text: str, damage: Damage) -> Self:
        """A line with what is wrong with it."""
        line = super().__new__(cls, text)
        line.damage = damage
        return line


@dataclass(frozen=True)
class Form:
    """How a file holds its lines.

    Args:
        is_gzip: whether it is compressed.
        encoding: as `encoding_of` has it.
        mark: bytes of its byte order mark.
        has_returns: whether its lines end in carriage returns alone, as on old Macs.
    """

    is_gzip: bool
    encoding: str
    mark: int
    has_returns: bool

    @property
    def is_wide(self) -> bool:
        """Whether a character is two bytes, so that no byte is a line feed by itself."""
        return self.encoding.startswith("utf-16")

    @property
    def is_whole(self) -> bool:
        """Whether it can only be read from its beginning."""
        return self.is_gzip or self.is_wide or self.has_returns


def form_of(stream: BinaryIO) -> Form:
    """How a seekable stream holds its lines, by its first bytes."""
    is_packed = is_gzip(stream)
    head = _head(gunzip(stream) if is_packed else stream)
    encoding, mark = encoding_of(head)
    feed, ret = (c.encode(encoding if encoding.startswith("utf-16") else UTF8) for c in "\n\r")
    return Form(is_packed, encoding, mark, ret in head and feed not in head)


def read_lines(stream: BinaryIO, start: int = 0, claim: Claim = every) -> Iterator[Line]:
    """Each line that starts at or after a position; an `UnreadableLine` for each that is no text.

    Args:
        stream: seekable.
        start: in bytes; 0 where the file can only be read whole.
        claim: asked for the start of each line.
    """
    form = form_of(stream)
    text = _opened(stream, form)
    position, mark = start, 0 if form.is_wide else form.mark
    try:
        if start > 0:
            text.seek(start - 1)
            position = start - 1 + _skip_line(text)
        while line := text.readline(MAX_LINE_BYTES):
            if not claim(position):
                return
            rest = 0 if line.endswith(b"\n") else _skip_line(text)
            if rest:
                yield position, UnreadableLine("", _TOO_LONG)
            else:
                yield position, _decoded(line if position else line[mark:], form)
            position += len(line) + rest
    except DAMAGED_GZIP:
        yield position, UnreadableLine("", _BAD_GZIP)


def _decoded(line: bytes, form: Form) -> str:
    if b"\0" not in line:
        try:
            return line.decode()
        except UnicodeDecodeError:
            pass
    try:
        if form.is_wide:
            raise UnicodeError("not valid UTF-16")
        return decode_line(line, form.encoding)
    except UnicodeError as error:
        text = line.decode(UTF8, "replace")
        return UnreadableLine(text, Damage(str(error), "bad_encoding", text.rstrip("\r\n")))


def _head(text: BinaryIO) -> bytes:
    text.seek(0)
    head = b""
    try:
        while len(head) < _HEAD_BYTES and (block := text.read1(_HEAD_BYTES)):  # type: ignore[attr-defined]
            head += block
    except DAMAGED_GZIP:
        pass
    return head


def _opened(stream: BinaryIO, form: Form) -> BinaryIO:
    """The lines as bytes of which each ends in a line feed; at the beginning."""
    stream.seek(0)
    text = gunzip(stream) if form.is_gzip else stream
    if form.is_wide or form.has_returns:
        return cast(BinaryIO, io.BufferedReader(_Rewritten(text, form)))
    return text


def _skip_line(stream: BinaryIO) -> int:
    """Read to the end of the line, and return how many bytes that was."""
    skipped = 0
    while part := stream.readline(MAX_LINE_BYTES):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


class _Rewritten(io.RawIOBase):
    """UTF-16 as UTF-8, and carriage returns as line feeds where they alone end lines."""

    def __init__(self, text: BinaryIO, form: Form) -> None:
        self._text, self._form, self._left = text, form, b""
        text.read(form.mark if form.is_wide else 0)
        self._decoder = (
            codecs.getincrementaldecoder(form.encoding)("half_pair") if form.is_wide else None
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._left:
            block = self._text.read(_BLOCK_BYTES)
            self._left = self._rewrite(block)
            if not block:
                break
        part, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def _rewrite(self, block: bytes) -> bytes:
        if self._decoder is not None:
            block = self._decoder.decode(block, final=not block).encode(UTF8, "surrogatepass")
        return block.replace(b"\r", b"\n") if self._form.has_returns else block


def _half_pair(error: UnicodeError) -> tuple[str, int]:
    """What is not UTF-16 stays what no UTF-8 can be, so that its line is refused."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udfff", error.end


codecs.register_error("half_pair", _half_pair)
