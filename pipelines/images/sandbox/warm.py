"""Brings into a process all that decoding loads on first use, while files can still be opened."""

import ctypes
import io
import sys
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageCms

from pipelines.images.config import ImagesConfig
from pipelines.images.measure import measure
from pipelines.images.rules import UnusableImageError

# Source: glibc malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_NEVER = 1 << 30  # bytes; above the memory that an image takes
_EDGE = 64  # pixels
_MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("P", "L"),
}


def keep_memory() -> None:
    """Keep freed memory for the next image: page faults are a quarter of the time of decoding.

    glibc gives blocks of some size back to the system each time; other C libraries do as they like.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _NEVER)
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)


def warm_up(config: ImagesConfig) -> None:
    """Take each kind of image through each step, sound and damaged."""
    Image.init()  # every plugin: Pillow loads them where it can make nothing of a file
    small = config.model_copy(update={"side": _EDGE // 4, "min_side": None, "min_bytes": 0})
    for encoded in _files():
        for served in (encoded, encoded[: len(encoded) // 2], encoded[:20], encoded + b"x"):
            try:
                measure(served, small)
            except UnusableImageError:
                continue


def _files() -> Iterator[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    odd = profile.replace("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be"))
    picture = Image.linear_gradient("L").resize((_EDGE, _EDGE)).convert("RGB")
    for form, modes in _MODES.items():
        for mode in modes:
            image = picture.convert("L").convert(mode) if mode == "I;16" else picture.convert(mode)
            yield _saved(image, form)
            yield _saved(image, form, exif=exif, icc_profile=odd)
    yield _saved(picture, "JPEG", progressive=True, icc_profile=profile)
    yield _saved(picture.convert("P"), "PNG", transparency=0)
    yield b"\xff\xd8\xff" + bytes(100)


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
