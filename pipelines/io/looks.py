"""The perceptual hashes of untrusted bytes, from a process that can do nothing but decode."""

import io
import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any

from pipelines.io.lockdown import end_with_parent, lock_down
from pipelines.io.locked_process import LockedProcess, Read, Unseen, serve

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")  # those that the images stage may decode
MAX_PIXELS = 100_000_000  # chosen: twice the default of the images stage; 0.3 GB as RGB
MAX_MEMORY = 2 << 30  # bytes besides what it starts with; chosen: that, and copies in grey and RGBA
SKETCH_EDGE = 256  # JPEGs are decoded no larger; chosen: 8 times the edge that is hashed

_ANSWER = struct.Struct("<BB")  # how many hashes follow, then bytes of why there are none
_HASH = struct.Struct("<Q")
_MAX_LOOKS, _MAX_WHY = 3, 255  # as `_looks` has them; what a byte can count

Looks = tuple[int, ...] | Unseen


def looks_of(encoded: bytes) -> Looks:
    """The 64-bit perceptual hashes of an image, as imagehash would make them.

    There are several where an image has several looks: as stored and upright, with transparency
    ignored and on white.
    """
    return _PROCESS.ask(encoded)


def _read_looks(read: Read) -> Looks:
    count, size = _ANSWER.unpack(read(_ANSWER.size))
    if count > _MAX_LOOKS or bool(count) == bool(size):
        raise EOFError("no answer that it gives")
    if size:
        return Unseen(read(size).decode("utf-8", "replace"))
    return tuple(number for (number,) in _HASH.iter_unpack(read(count * _HASH.size)))


_PROCESS = LockedProcess("pipelines.io.looks", _read_looks)


def _packed(looks: list[int] | str) -> bytes:
    if isinstance(looks, str):
        why = looks.encode()[:_MAX_WHY]
        return _ANSWER.pack(0, len(why)) + why
    return _ANSWER.pack(len(looks), 0) + b"".join(map(_HASH.pack, looks))


def _look(encoded: bytes) -> list[int] | str:
    from PIL import Image

    from pipelines.io.perceptual import imagehash_phash

    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"{image.width}x{image.height}: too many pixels"
            image.draft(None, (SKETCH_EDGE, SKETCH_EDGE))
            return sorted({imagehash_phash(look) for look in _looks(image)})
    except Exception as error:  # noqa: BLE001 - hostile bytes make decoders raise almost anything
        return f"not decoded: {type(error).__name__}"


def _looks(image: Any) -> Iterator[Any]:
    from PIL import Image, ImageOps

    yield image
    if image.getexif().get(0x0112, 1) != 1:  # Orientation
        yield ImageOps.exif_transpose(image)
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        colours = image.convert("RGBA")
        yield Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)


def _give_up_rights() -> None:
    """Keep memory, time and the line that is open; all that decoding needs is loaded before."""
    from PIL import Image, ImageFile

    end_with_parent()
    Image.MAX_IMAGE_PIXELS = None  # checked here
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # half an image can be on a list
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in FORMATS:
        for mode in ("RGB", "RGBA"):
            buffer = io.BytesIO()
            image = Image.new("RGB" if kind == "JPEG" else mode, (8, 8))
            image.save(buffer, kind, exif=exif)
            _look(buffer.getvalue())
    _look(b"")
    lock_down(MAX_MEMORY)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as to_asker:
        _give_up_rights()
        serve(to_asker, lambda encoded: _packed(_look(encoded)))
