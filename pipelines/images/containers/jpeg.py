"""A JPEG reduced to what its pixels need, and whether its scans are there to their ends.

A decoder makes up what is missing of a scan before an end mark, and tells nobody. What it puts out
tells: bytes behind a whole scan change no pixel, and bytes behind one that was cut become pixels.
"""

import re
from collections.abc import Iterator
from hashlib import shake_128
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Markers. Source: ITU-T T.81, table B.1
START_OF_SCAN, END_OF_IMAGE, COMMENT = 0xDA, 0xD9, 0xFE
WITHOUT_LENGTH = (0x01, 0xD8, END_OF_IMAGE)
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
APPLICATIONS = range(0xE0, 0xF0)
# In scans, FF 00 is a byte of data and FF D0 to FF D7 are points of restart.
_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
COEFFICIENTS = 64  # of a block
BLOCK_EDGE = 8  # pixels
WHITE = 255

# Application data that decides colours or orientation: how it starts, and its least length in
# bytes. Source: libjpeg-turbo, jdmarker.c (JFIF, Adobe); Exif 2.32, 4.7.2; ICC.1, B.4; for XMP,
# Adobe's XMP part 3, 1.1.3, from which Pillow reads the orientation too.
NEEDED = (
    *((b"JFIF\0", 14), (b"Adobe", 12), (b"ICC_PROFILE\0", 14)),
    *((b"Exif\0\0", 6), (b"http://ns.adobe.com/xap/1.0/\0", 29)),
)
# What is put behind a scan. With the zeros that a decoder makes up, they start with
# every pair of bits, so that no code of a Huffman table fits them all; chosen: 1,000 bytes fill
# some blocks, and the first may be outside the image.
_FILLINGS = tuple(
    bytes([first]) + shake_128(bytes([first])).digest(999).replace(b"\xff", b"\xaa")
    for first in (0b01011010, 0b10100101, 0b11010011)
)


class Segment(NamedTuple):
    """A segment of a JPEG.

    Args:
        marker: its second byte.
        content: behind the length.
        start: of its marker in the file, in bytes.
    """

    marker: int
    content: bytes
    start: int


def without_side_data(encoded: bytes) -> bytes:
    """The file without comments and application data, but for what decides colour or orientation.

    Args:
        encoded: of a JPEG, untrusted.

    Returns:
        As given where no scan is found.
    """
    kept = [encoded[:2]]
    for segment in segments(encoded):
        if segment.marker == START_OF_SCAN:
            return b"".join(kept) + encoded[segment.start :]
        if _is_needed(segment):
            length = len(segment.content) + 2
            kept += [bytes([0xFF, segment.marker]), length.to_bytes(2, "big"), segment.content]
    return encoded


def segments(encoded: bytes) -> Iterator[Segment]:
    """The segments up to the end mark, or to where the file ends; of a scan, its header."""
    position = 2
    while found := _MARKER.search(encoded, position):
        marker, position = found[1][0], found.end()
        if marker == END_OF_IMAGE:
            yield Segment(marker, b"", found.start())
            return
        if marker in WITHOUT_LENGTH:
            continue
        start = position + 2
        position += max(2, int.from_bytes(encoded[position:start], "big"))
        if position > len(encoded):
            return
        yield Segment(marker, encoded[start:position], found.start())


def with_ends(encoded: bytes) -> list[bytes]:
    """The file with an end mark, at once and behind different fillings.

    Where the last scan is whole, a decoder skips the filling, and all have equal pixels. Where it
    was cut, the filling becomes pixels, and they differ.

    Args:
        encoded: of a JPEG without an end mark.

    Returns:
        Nothing where scans are missing, or the end mark is there.
    """
    if _end(encoded) < len(encoded) or not has_all_scans(encoded):
        return []
    cut, end = encoded.rstrip(b"\xff"), bytes([0xFF, END_OF_IMAGE])
    return [cut + end, *(cut + _filling(number) + end for number in range(len(_FILLINGS)))]


def frame(encoded: bytes) -> int:
    """The second byte of the marker of the first frame, which tells the coding; 0 without one."""
    return next((found.marker for found in segments(encoded) if found.marker in FRAMES), 0)


def may_be_cut(
    encoded: bytes, pixels: NDArray[np.uint8], is_progressive: bool, block_edge: int = BLOCK_EDGE
) -> bool:
    """Whether progressive scans are missing, or the last block may have been made up.

    One that was has a single colour. White is not counted: drawings and products on white would
    all be decoded twice.

    Args:
        encoded: of a JPEG with an end mark.
        pixels: uint8 `(height, width, ...)`, as stored.
        is_progressive: whether its scans refine each other.
        block_edge: of a block as decoded, in pixels: fewer than 8 at a scale.
    """
    # Colours at the first edges of a block are mixed with those of its neighbours.
    top, left = (
        min(edge - 1, (edge - 1) // block_edge * block_edge + 1) for edge in pixels.shape[:2]
    )
    last = pixels[top:, left:]
    is_made_up = (last == last[0, 0]).all() and (last[0, 0] < WHITE).any()
    return bool(is_made_up) or (is_progressive and not has_all_scans(encoded))


def with_filling(encoded: bytes) -> bytes:
    """The file with bytes that no one wrote before its end mark."""
    end = _end(encoded)
    return encoded[:end] + _filling(0) + encoded[end:]


def has_all_scans(encoded: bytes) -> bool:
    """Whether there is a scan for each bit of each coefficient of each component."""
    missing: dict[int, set[int]] = {}
    is_progressive = False
    for marker, content, _ in segments(encoded):
        if marker in FRAMES:
            is_progressive = marker in PROGRESSIVE
            missing = {name: set(range(COEFFICIENTS)) for name in content[6::3]}
        elif marker == START_OF_SCAN:
            for name, coefficients in _scanned(content, is_progressive).items():
                missing[name] = missing.get(name, set()) - coefficients
    return bool(missing) and not any(missing.values())


def _scanned(header: bytes, is_progressive: bool) -> dict[int, set[int]]:
    """Coefficients that are known to their last bit after a scan, by component."""
    size = 1 + 2 * header[0] if header else 0
    names, (first, last, bits) = header[1:size:2], header[size : size + 3].ljust(3, b"\xff")
    if not is_progressive:
        return {name: set(range(COEFFICIENTS)) for name in names}
    is_last_bit = bits & 0x0F == 0
    return {name: set(range(first, last + 1)) if is_last_bit else set() for name in names}


def _end(encoded: bytes) -> int:
    """Where the end mark is, or the file ends."""
    marks = (found.start for found in segments(encoded) if found.marker == END_OF_IMAGE)
    return next(marks, len(encoded))


def _filling(number: int) -> bytes:
    """A filling, and again behind each of the eight points of restart."""
    filling = _FILLINGS[number]
    restarts = (bytes([0xFF, 0xD0 + (3 * number + n) % 8]) for n in range(8))
    return filling + b"".join(restart + filling for restart in restarts)


def _is_needed(segment: Segment) -> bool:
    if segment.marker not in APPLICATIONS:
        return segment.marker != COMMENT
    content = segment.content
    return any(content.startswith(start) and len(content) >= least for start, least in NEEDED)
