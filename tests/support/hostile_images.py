"""Seeded images made to break decoders: sound files of ten kinds, damaged in one to four ways."""

import random
import struct
from collections.abc import Callable
from functools import cache

from PIL import Image

from tests.support.raw_images import PNG_HEAD, chunk, encode, png, shorts, smooth

Chance = random.Random
Damage = Callable[[bytearray, Chance], None]

_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
_PARTS = (
    *(b"\xff\xd8", b"\xff\xc0", b"\xff\xc4", b"\xff\xda"),  # JPEG
    *(b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"iCCP"),
    *(b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANMF"),
    *(b"\x21\xf9\x04", b"\x2c"),  # GIF
)


def hostile_image(seed: int) -> bytes:
    """The image of a seed."""
    chance = random.Random(f"image {seed}")
    content = bytearray(chance.choice(sound_images()))
    for damage in chance.choices(_DAMAGES, k=chance.choice((1, 1, 2, 4))):
        if content:
            damage(content, chance)
    return bytes(content)


@cache
def sound_images() -> tuple[bytes, ...]:
    """One image of each kind that is damaged."""
    image, wide = smooth(120, 90, seed=3), smooth(300, 200, seed=4)
    palette = image.quantize(32)
    frames = [smooth(120, 90, seed).quantize(16) for seed in range(5, 8)]
    turned = Image.Exif()
    turned[0x0112] = 6
    return (
        encode(wide, "JPEG", exif=turned, quality=90, subsampling=0),
        encode(wide, "JPEG", progressive=True),
        encode(image.convert("CMYK"), "JPEG"),
        encode(image.convert("L"), "JPEG", restart_marker_rows=1),
        encode(image.convert("RGBA"), "PNG"),
        encode(palette, "PNG", transparency=0),
        png(64, 48, 16, 2, shorts(*range(0, 64 * 3 * 300, 300)), chunk(b"gAMA", bytes(4))),
        encode(wide, "WEBP"),
        encode(image.convert("RGBA"), "WEBP", lossless=True),
        encode(palette, "GIF", save_all=True, append_images=frames),
    )


def _flip(content: bytearray, chance: Chance) -> None:
    for _ in range(chance.choice((1, 3, 30))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _overwrite(content: bytearray, chance: Chance) -> None:
    start = chance.randrange(len(content))
    size = chance.choice((1, 8, 200))
    content[start : start + size] = chance.randbytes(size)


def _cut_out(content: bytearray, chance: Chance) -> None:
    start = chance.randrange(len(content))
    del content[start : start + chance.randint(1, 400)]


def _cut_off(content: bytearray, chance: Chance) -> None:
    del content[chance.randrange(1, len(content) + 1) :]


def _repeat(content: bytearray, chance: Chance) -> None:
    start = chance.randrange(len(content))
    piece = content[start : start + chance.randint(1, 300)]
    content[start:start] = piece * chance.choice((1, 2, 50))


def _extreme_number(content: bytearray, chance: Chance) -> None:
    """Put the largest, the smallest and the oddest numbers where lengths and sizes may be."""
    form = chance.choice((">B", ">H", "<H", ">I", "<I"))
    size = struct.calcsize(form)
    start = chance.randrange(chance.choice((40, len(content))))
    number = chance.choice(_EXTREMES) & (256**size - 1)
    content[start : start + size] = struct.pack(form, number)


def _damage_a_part(content: bytearray, chance: Chance) -> None:
    """Change what follows a marker or the name of a chunk, so that its parser sees it."""
    found = [at for part in _PARTS if (at := content.find(part)) >= 0]
    if found:
        at = chance.choice(found) + 2 + chance.randrange(16)
        content[at : at + 2] = chance.randbytes(2)


def _splice(content: bytearray, chance: Chance) -> None:
    """The beginning of one file and the end of another, perhaps of another format."""
    other = chance.choice(sound_images())
    content[chance.randrange(len(content)) :] = other[chance.randrange(len(other)) :]


def _mend_checksums(content: bytearray, chance: Chance) -> None:
    """Right checksums for the chunks of a damaged PNG, so that its damage gets past them."""
    del chance
    if not content.startswith(PNG_HEAD):
        return
    mended, at = bytearray(PNG_HEAD), len(PNG_HEAD)
    while at + 12 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        end = at + 8 + size
        if end + 4 > len(content):
            break
        mended += chunk(bytes(content[at + 4 : at + 8]), bytes(content[at + 8 : end]))
        at = end + 4
    content[:] = mended + content[at:]


_DAMAGES: tuple[Damage, ...] = (
    _flip,
    _overwrite,
    _cut_out,
    _cut_off,
    _repeat,
    _extreme_number,
    _damage_a_part,
    _splice,
    _mend_checksums,
)
