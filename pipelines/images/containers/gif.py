"""A GIF reduced to its first frame and what that needs."""

# Source: GIF89a specification, sections 18 to 27
HEADER_BYTES = 13
FRAME_BYTES = 10  # the descriptor with its separator
EXTENSION, FRAME, TRAILER = b"!", b",", b";"
GRAPHIC_CONTROL = b"!\xf9\x04"  # with the right length: it names the transparent colour
GRAPHIC_CONTROL_BYTES = 8


def without_side_data(encoded: bytes) -> bytes:
    """The file with its first frame alone, without comments and other extensions.

    Args:
        encoded: of a GIF, untrusted.

    Returns:
        As given where no frame is found.
    """
    start = HEADER_BYTES + _palette_bytes(encoded[10:11])
    kept, control = [encoded[:start]], b""
    while encoded[start : start + 1] == EXTENSION:
        end = _end_of_blocks(encoded, start + 2)
        if encoded.startswith(GRAPHIC_CONTROL, start):
            control = encoded[start : start + GRAPHIC_CONTROL_BYTES]
        start = end
    if encoded[start : start + 1] != FRAME:
        return encoded
    data = start + FRAME_BYTES + _palette_bytes(encoded[start + 9 : start + 10]) + 1
    frame = encoded[start : _end_of_blocks(encoded, data)]
    return b"".join([*kept, control, frame, TRAILER])


def _palette_bytes(flags: bytes) -> int:
    """Length of the palette that the flags announce, of a header or of a frame."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _end_of_blocks(encoded: bytes, start: int) -> int:
    """Where a row of blocks ends, each of which starts with its length, the last of them 0."""
    while start < len(encoded) and encoded[start]:
        start += 1 + encoded[start]
    return start + 1
