"""A PNG reduced to what its pixels need: one whose texts or times are damaged is still an image."""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FRAME_BYTES = 12  # length, name and CRC around the content of a chunk. Source: PNG 3rd ed., 5.3
# Bytes of one profile or text. Source: Pillow, PngImagePlugin.MAX_TEXT_CHUNK
MAX_INFLATED = 1 << 20
# Bytes of tRNS by the colour type of the header, at least. Source: PNG 3rd ed., 11.3.1.1
TRANSPARENCY_BYTES = {0: 2, 2: 6, 3: 1}
# Texts from which Pillow reads how an image is turned.
ORIENTATION_TEXTS = {b"XML:com.adobe.xmp", b"Raw profile type exif"}


class Chunk(NamedTuple):
    """A chunk of a PNG.

    Args:
        name: of four letters; in a capital at first, pixels cannot be read without it.
        content: between name and CRC.
        whole: with its length, name and CRC; shorter where the file ends.
    """

    name: bytes
    content: bytes
    whole: bytes

    @property
    def is_critical(self) -> bool:
        """Whether pixels cannot be read without it."""
        return self.name[:1].isupper()

    @property
    def is_sound(self) -> bool:
        """Whether its checksum is right."""
        crc = zlib.crc32(self.whole[4:-4])
        return self.whole[-4:] == crc.to_bytes(4, "big")


def without_side_data(encoded: bytes) -> bytes:
    """The file with the chunks that its pixels need, up to its end mark.

    As in libpng, a damaged chunk is passed over where pixels can be read without it, and is left
    to the decoder to refuse where they cannot. Nothing is inflated beyond `MAX_INFLATED`.

    Args:
        encoded: of a PNG, untrusted.
    """
    kept = [SIGNATURE]
    colour_type = encoded[25] if len(encoded) > 25 else 0
    for chunk in chunks(encoded):
        if chunk.is_critical or (_is_needed(chunk, colour_type) and chunk.is_sound):
            kept.append(chunk.whole)
        if chunk.name == b"IEND":
            break
    return b"".join(kept)


def chunks(encoded: bytes) -> Iterator[Chunk]:
    """The chunks up to where the file ends or is no PNG; the last critical one may be cut."""
    start = len(SIGNATURE)
    while (name := encoded[start + 4 : start + 8]).isalpha() and len(name) == 4:
        length = int.from_bytes(encoded[start : start + 4], "big")
        end = start + FRAME_BYTES + length
        whole = encoded[start:end]
        if end <= len(encoded) or name[:1].isupper():
            yield Chunk(name, whole[8 : 8 + length], whole)
        start = end


def _is_needed(chunk: Chunk, colour_type: int) -> bool:
    match chunk.name:
        case b"tRNS":
            return len(chunk.content) >= TRANSPARENCY_BYTES.get(colour_type, 0)
        case b"iCCP":
            return _inflates(chunk.content.partition(b"\0")[2])
        case b"tEXt" | b"zTXt" | b"iTXt":
            return _tells_orientation(chunk)
        case _:
            return chunk.name == b"eXIf"


def _tells_orientation(chunk: Chunk) -> bool:
    keyword, _, text = chunk.content.partition(b"\0")
    if keyword not in ORIENTATION_TEXTS:
        return False
    if chunk.name == b"zTXt":
        return _inflates(text)
    if chunk.name == b"iTXt" and text[:1] != b"\0":  # compressed: method, language, translation
        return _inflates(text[1:2] + text[2:].split(b"\0", 2)[-1])
    return True


def _inflates(compressed: bytes) -> bool:
    """Whether it is compressed by method 0, which its first byte names, and not too large."""
    if compressed[:1] != b"\0":
        return False
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(compressed[1:], MAX_INFLATED)
    except zlib.error:
        return False
    return not inflater.unconsumed_tail
