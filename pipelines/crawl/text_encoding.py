"""The encoding of text that does not name it: tables, and captions in files of their own.

A byte order mark decides, then UTF-8 where the bytes are valid, then Windows-1252, as for pages,
but only where what comes out can be text: no character is ever made up, and what cannot be read is
refused in words.
"""

import codecs
import re

UTF8 = "utf-8"
FALLBACK = "cp1252"  # Source: WHATWG HTML, section 13.2.3.2: what most of the web's rest is in
UNKNOWN = "unknown"

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Controls, and bytes that Windows-1252 leaves undefined. Source: WHATWG Encoding,
# index-windows-1252.
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\x81\x8d\x8f\x90\x9d]")
# Four characters beyond ASCII in a row, a letter among them. Chosen: no word of a language that
# Windows-1252 serves has them ("créée" has two), and most in Cyrillic, Greek or Chinese have.
_NO_WORD = re.compile(
    rb"(?=[\x80-\xff]{0,3}[\x83\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xaa\xb5\xba\xc0-\xd6\xd8-\xf6\xf8-\xff])"
    rb"[\x80-\xff]{4}"
)


def decode_text(content: bytes) -> str:
    """The text of a whole file, without its byte order mark.

    Raises:
        UnicodeError: a ValueError: its encoding cannot be told, or is not kept to; says where.
    """
    encoding, mark = encoding_of(content)
    return decode_line(content[mark:], encoding)


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding of a text by its first bytes, and the length of its byte order mark.

    Args:
        head: may end inside a character.

    Returns:
        Python's name of the encoding, or `UNKNOWN`.
    """
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return name, len(mark)
    if b"\0" in head and (unmarked := _utf_16_without_mark(head)):
        return unmarked, 0
    if is_utf8(head) or _is_mostly_utf8(head):
        return UTF8, 0
    odd = [line for line in head.splitlines() if not is_utf8(line + b"\n")]
    num_readable = sum(not _no_windows_1252(line) for line in odd)
    return (FALLBACK if 2 * num_readable >= len(odd) else UNKNOWN), 0


def decode_line(line: bytes, encoding: str) -> str:
    """A line of a text, or a whole one, in the encoding of that text.

    In a text that is in UTF-8 or Windows-1252, each line is read as the one that it is in: a stray
    byte tells of its own line alone.

    Args:
        line: without a byte order mark.
        encoding: as `encoding_of` gives it.

    Raises:
        UnicodeError: the line is not in that encoding, or holds a NUL.
    """
    strict = UTF8 if encoding in {FALLBACK, UNKNOWN} else encoding
    try:
        text = line.decode(strict)
    except UnicodeDecodeError as error:
        text = _fall_back(line, encoding, error)
    if "\0" in text:
        raise UnicodeError(f"holds a NUL, so it is no text in {_NAMES.get(strict, strict)}")
    return text


def is_utf8(head: bytes) -> bool:
    """Whether bytes are valid UTF-8; they may end inside a character."""
    try:
        codecs.getincrementaldecoder(UTF8)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


_NAMES = {UTF8: "UTF-8", FALLBACK: "Windows-1252", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}


def _fall_back(line: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    place = f"at byte {error.start} of {len(line)} ({error.reason})"
    if error.encoding.lower() != UTF8:
        raise UnicodeError(f"not valid {_NAMES.get(encoding, encoding)} {place}") from error
    why = _no_windows_1252(line)
    if encoding == UNKNOWN:
        why = why or "the text as a whole is not"
    if why:
        raise UnicodeError(
            f"not valid UTF-8 {place}, and not in the encoding Windows-1252: {why}; "
            "save it as UTF-8"
        ) from error
    return line.decode(FALLBACK)


def _no_windows_1252(text: bytes) -> str:
    """Why bytes that are not UTF-8 are not Windows-1252 either; empty where they may be."""
    if _is_mostly_utf8(text):
        return "most of its characters beyond ASCII are valid UTF-8"
    if found := _NO_TEXT.search(text):
        return f"it has no character for byte 0x{found[0][0]:02x}"
    return "a word would be of accented letters alone" if _NO_WORD.search(text) else ""


def _is_mostly_utf8(text: bytes) -> bool:
    beyond_ascii = [c for c in text.decode(UTF8, "surrogateescape") if c > "\x7f"]
    num_invalid = sum("\udc80" <= character <= "\udcff" for character in beyond_ascii)
    return 2 * num_invalid <= len(beyond_ascii)


def _utf_16_without_mark(head: bytes) -> str | None:
    """UTF-16 of mostly ASCII characters: most bytes on one side are NUL, few on the other."""
    even, odd = head[::2], head[1::2]
    for zeros, others, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if 2 * zeros.count(0) > len(zeros) and 10 * others.count(0) < len(others):
            return name
    return None
