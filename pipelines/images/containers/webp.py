"""A WebP reduced to what its pixels need, and to the chunks that are whole."""

from collections.abc import Iterator

# Chunks of pixels, and bits of the header `VP8X` that announce the others.
# Source: developers.google.com/speed/webp/docs/riff_container
PIXELS = {b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
HEADER = b"VP8X"
ANNOUNCED = {b"ICCP": 0x20, b"EXIF": 0x08}
ANNOUNCES_XMP = 0x04


def without_side_data(encoded: bytes) -> bytes:
    """The file with its whole chunks of pixels, its colour profile and its Exif.

    Args:
        encoded: of a WebP, untrusted.
    """
    found = [(name, whole) for name, whole in _chunks(encoded) if _is_needed(name)]
    names = {name for name, _ in found}
    missing = ANNOUNCES_XMP | sum(bit for name, bit in ANNOUNCED.items() if name not in names)
    body = b"".join(
        _announcing(whole, missing) if name == HEADER else whole for name, whole in found
    )
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


def _is_needed(name: bytes) -> bool:
    return name in PIXELS or name in ANNOUNCED or name == HEADER


def _chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and bytes of each chunk that is whole; odd lengths are padded."""
    start = 12
    while start + 8 <= len(encoded):
        length = int.from_bytes(encoded[start + 4 : start + 8], "little")
        end = start + 8 + length
        if end > len(encoded):
            return
        yield encoded[start : start + 4], encoded[start:end] + b"\0" * (length % 2)
        start = end + length % 2


def _announcing(header: bytes, missing: int) -> bytes:
    """`VP8X` without the bits of what is missing."""
    return header[:8] + bytes([header[8] & ~missing]) + header[9:] if header[8:] else header
