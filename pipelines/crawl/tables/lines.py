"""The lines of a text file, from any byte on."""

from collections.abc import Iterator
from typing import BinaryIO

from pipelines.crawl.splits import Claim, every

MAX_LINE_BYTES = 1 << 20  # chosen: the rest of a longer line is dropped


def read_lines(stream: BinaryIO, start: int = 0, claim: Claim = every) -> Iterator[tuple[int, str]]:
    """Each line with its line break, after its position; the excess of long lines is dropped.

    Args:
        stream: UTF-8; invalid bytes become U+FFFD. Seekable, unless it is read from 0.
        start: in bytes; lines that start before it are skipped.
        claim: asked for the start of each line.
    """
    position = start
    if start > 0:
        stream.seek(start - 1)
        position = start - 1 + _skip_line(stream)
    while line := stream.readline(MAX_LINE_BYTES):
        if not claim(position):
            return
        rest = 0 if line.endswith(b"\n") else _skip_line(stream)
        codec = "utf-8" if position else "utf-8-sig"  # drops a byte order mark
        yield position, line.decode(codec, "replace")
        position += len(line) + rest


def _skip_line(stream: BinaryIO) -> int:
    """Read to the end of the line, and return how many bytes that was."""
    skipped = 0
    while part := stream.readline(MAX_LINE_BYTES):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped
