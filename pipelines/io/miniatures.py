"""Untrusted images as small pixels, from a process that can do nothing but decode.

For images that no stage stores, such as those that rows are compared with.
"""

import io
import socket
import struct
import sys
from typing import NamedTuple

import numpy as np

from dalle_model.pixels import Rgb
from pipelines.io.lockdown import end_with_parent, lock_down
from pipelines.io.locked_process import LockedProcess, Read, Unseen, serve
from pipelines.io.looks import FORMATS, MAX_MEMORY, MAX_PIXELS

SIDE = 256  # pixels: the shorter edge, at most. Source: as the images stage stores for DALL-E
MAX_EDGE = 2048  # pixels: the longer edge, at most; chosen: an aspect of 8, and 1.5 MB an answer

_ANSWER = struct.Struct("<HH")  # width and height of the pixels; 0 and bytes of why there are none
_ORIGINAL = struct.Struct("<II16s")  # width and height, upright; hash of all pixels
_MAX_WHY = 255


class Miniature(NamedTuple):
    """An image at a small size.

    Args:
        rgb: uint8 `(height, width, 3)`; never larger than the original.
        width: of the original, upright, in pixels.
        height: of the original, upright, in pixels.
        pixel_hash: of every pixel as decoded, 32 hex characters, as the images stage hashes them.
    """

    rgb: Rgb
    width: int
    height: int
    pixel_hash: str


def miniature_of(encoded: bytes) -> Miniature | Unseen:
    """An image in upright sRGB on white, its shorter edge at `SIDE`; or why there is none."""
    return _PROCESS.ask(encoded)


def _read_miniature(read: Read) -> Miniature | Unseen:
    width, height = _ANSWER.unpack(read(_ANSWER.size))
    if not width:
        if not 0 < height <= _MAX_WHY:
            raise EOFError("no reason that it gives")
        return Unseen(read(height).decode("utf-8", "replace"))
    if not height or max(width, height) > MAX_EDGE or min(width, height) > SIDE:
        raise EOFError("no size that it gives")
    across, down, digest = _ORIGINAL.unpack(read(_ORIGINAL.size))
    if across < width or down < height:
        raise EOFError("no size of an original")
    pixels = np.frombuffer(read(3 * width * height), np.uint8).reshape(height, width, 3)
    return Miniature(pixels, across, down, digest.hex())


_PROCESS = LockedProcess("pipelines.io.miniatures", _read_miniature)


def _packed(found: Miniature | str) -> bytes:
    if isinstance(found, str):
        why = found.encode()[:_MAX_WHY]
        return _ANSWER.pack(0, len(why)) + why
    height, width, _ = found.rgb.shape
    original = _ORIGINAL.pack(found.width, found.height, bytes.fromhex(found.pixel_hash))
    return _ANSWER.pack(width, height) + original + found.rgb.tobytes()


def _miniature(encoded: bytes) -> Miniature | str:
    from PIL import Image

    from pipelines.io.colours import upright_rgb
    from pipelines.sameness.pixel_hash import pixel_hash

    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"{image.width}x{image.height}: too many pixels"
            rgb = upright_rgb(image)
        height, width, _ = rgb.shape
        scale = min(1, SIDE / min(width, height), MAX_EDGE / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS)
        return Miniature(np.asarray(small), width, height, pixel_hash(rgb))
    except Exception as error:  # noqa: BLE001 - hostile bytes make decoders raise almost anything
        return f"not decoded: {type(error).__name__}"


def _give_up_rights() -> None:
    """Keep memory, time and the line that is open; all that decoding needs is loaded before."""
    from PIL import Image, ImageCms

    end_with_parent()
    Image.MAX_IMAGE_PIXELS = None  # checked here
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be"))
    for kind in FORMATS:
        for mode in ("L", "RGB", "RGBA"):
            buffer = io.BytesIO()
            image = Image.new("RGB" if kind == "JPEG" else mode, (8, 8))
            image.save(buffer, kind, exif=exif, icc_profile=profile)
            _miniature(buffer.getvalue())
    _miniature(b"")
    lock_down(MAX_MEMORY)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as to_asker:
        _give_up_rights()
        serve(to_asker, lambda encoded: _packed(_miniature(encoded)))
