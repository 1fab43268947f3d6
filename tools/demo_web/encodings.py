"""Images as files: the usual formats, the unusual ones that must still work, and broken ones."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image, ImageChops, ImageFilter

ENDINGS = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "svg": "image/svg+xml",
    "bmp": "image/bmp",
    "tif": "image/tiff",
}
WHITE = (255, 255, 255)
_ORIENTATION, _GPS = 0x0112, 0x8825  # EXIF tags


def on_white(image: Image.Image) -> Image.Image:
    """RGB, transparency composited on white."""
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, WHITE), rgba).convert("RGB")


def trimmed(image: Image.Image) -> Image.Image:
    """Without its white or transparent margin, then padded to an aspect of at most 4:3."""
    paper = Image.new("RGB", image.size, WHITE)
    box = ImageChops.difference(on_white(image), paper).convert("L").point(_ink).getbbox()
    drawing = image.crop(box) if box else image
    width, height = drawing.size
    edge = round(1.06 * max(width, height))
    size = (max(round(1.06 * width), edge * 3 // 4), max(round(1.06 * height), edge * 3 // 4))
    canvas = Image.new("RGBA", size, (*WHITE, 0))
    canvas.paste(drawing, ((size[0] - width) // 2, (size[1] - height) // 2))
    return canvas


def _ink(level: int) -> int:
    return 255 if level > 12 else 0


def shrink(image: Image.Image, shorter: int) -> Image.Image:
    """Scale so that the shorter edge has `shorter` pixels; never upscaled."""
    scale = min(1.0, shorter / min(image.size))
    width, height = (max(1, round(edge * scale)) for edge in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Encoded by Pillow, `kind` one of its format names."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def palette_png(image: Image.Image) -> bytes:
    """PNG of at most 64 colours; transparent where the image is."""
    return saved(image.convert("RGBA").quantize(64), "PNG", optimize=True)


def jpeg(image: Image.Image, quality: int = 80) -> bytes:
    """Baseline JPEG on white."""
    return saved(on_white(image), "JPEG", quality=quality, optimize=True)


def webp(image: Image.Image, quality: int = 80) -> bytes:
    """Lossy WebP on white."""
    return saved(on_white(image), "WEBP", quality=quality, method=6)


def gif(image: Image.Image) -> bytes:
    """GIF of 64 colours on white."""
    return saved(on_white(image).quantize(64), "GIF", optimize=True)


def lossless_twin(encoded: bytes) -> bytes:
    """The same pixels in another file: lossless WebP, alpha kept."""
    with Image.open(io.BytesIO(encoded)) as image:
        return saved(image.convert("RGBA"), "WEBP", lossless=True, exact=True, method=6)


def lesser_copy(image: Image.Image, step: int) -> bytes:
    """A resized, recompressed copy: 70 to 145 % of the size, JPEG or WebP of quality 55 to 80."""
    side = min(image.size)
    scale = (0.7, 0.8, 0.9, 1.25, 1.45)[step % 5]
    scale = scale if side * scale >= 64 else 1.25
    size = (round(image.width * scale), round(image.height * scale))
    copy = on_white(image).resize(size, Image.Resampling.BICUBIC)
    quality = 55 + 5 * (step % 6)
    return jpeg(copy, quality) if step % 3 else webp(copy, quality)


def _oriented(image: Image.Image, orientation: int) -> bytes:
    """Stored turned or mirrored, with the EXIF orientation that undoes it."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = on_white(image)
    if orientation in undo:
        stored = stored.transpose(undo[orientation])
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    return saved(stored, "JPEG", quality=80, exif=exif)


def _located(image: Image.Image) -> bytes:
    """A JPEG with a position, a camera owner and a comment: not to leave the fetch stage."""
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = "Example Camera", "A. Nonymous"
    exif[_GPS] = {1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)}
    return saved(on_white(image), "JPEG", quality=80, exif=exif, comment="private note: 555-0100")


def _sixteen_bit(image: Image.Image) -> bytes:
    grey = np.asarray(on_white(image).convert("L"), dtype=np.uint16) * 257
    return saved(Image.fromarray(grey), "PNG", optimize=True)


def _animated(image: Image.Image, kind: str) -> bytes:
    first = on_white(image)
    second = first.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    frames = [first.quantize(32), second.quantize(32)] if kind == "GIF" else [first, second]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=200, loop=0)


# Unusual but valid: a decoder must return the image. Suffix of the file, then the encoder.
ODD: dict[str, tuple[str, Callable[[Image.Image], bytes]]] = {
    **{f"orientation-{n}": ("jpg", partial(_oriented, orientation=n)) for n in range(1, 9)},
    "gps": ("jpg", _located),
    "sixteen-bit": ("png", _sixteen_bit),
    "cmyk": ("jpg", lambda image: saved(on_white(image).convert("CMYK"), "JPEG", quality=80)),
    "grey-alpha": ("png", lambda image: saved(image.convert("RGBA").convert("LA"), "PNG")),
    "one-bit": ("png", lambda image: saved(on_white(image).convert("1"), "PNG", optimize=True)),
    "progressive": ("jpg", lambda im: saved(on_white(im), "JPEG", quality=80, progressive=True)),
    "animated-gif": ("gif", lambda image: _animated(image, "GIF")),
    "animated-webp": ("webp", lambda image: _animated(image, "WEBP")),
    "palette-transparency": ("png", palette_png),
    "lossless-webp": ("webp", lambda image: saved(image, "WEBP", lossless=True)),
}


def _flat_bomb(image: Image.Image) -> bytes:
    """72 megapixels in about nine kilobytes: a one-bit PNG, all white."""
    del image
    width, height = 9000, 8000  # Pillow's own limit begins at 89 megapixels
    rows = zlib.compress((b"\0" + b"\xff" * (width // 8)) * height, 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _corrupt(encoded: bytes) -> bytes:
    """Bytes inverted in the middle of the pixel data; the header stays right."""
    start = len(encoded) // 3
    return (
        encoded[:start]
        + bytes(255 - b for b in encoded[start : start + 200])
        + encoded[start + 200 :]
    )


def _banner(image: Image.Image) -> bytes:
    """Three times as wide as high, like banners of pages."""
    opaque = on_white(image)
    strip = Image.new("RGB", (opaque.width * 3, opaque.height), WHITE)
    for column in range(3):
        strip.paste(opaque, (column * opaque.width, 0))
    return jpeg(strip.filter(ImageFilter.SMOOTH), 70)


def _svg(image: Image.Image) -> bytes:
    width, height = image.size
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<circle cx="50" cy="50" r="40" fill="#c22"/></svg>'
    ).encode()


# Not decodable as an image. Suffix of the URL, then the bytes of its answer.
BROKEN: dict[str, tuple[str, Callable[[Image.Image], bytes]]] = {
    "truncated-jpeg": ("jpg", lambda image: jpeg(image)[: len(jpeg(image)) // 2]),
    "truncated-png": ("png", lambda image: palette_png(image)[: len(palette_png(image)) // 2]),
    "corrupt-png": ("png", lambda image: _corrupt(palette_png(image))),
    "empty": ("jpg", lambda image: b""),
    "html-as-jpeg": ("jpg", lambda im: b"<!DOCTYPE html><title>Sign in</title><p>Please sign in."),
    "svg": ("svg", _svg),
    "bmp": ("bmp", lambda image: saved(on_white(shrink(image, 64)).quantize(16), "BMP")),
    "tiff": ("tif", lambda image: saved(on_white(image), "TIFF", compression="jpeg")),
    "pixel": ("gif", lambda image: saved(Image.new("P", (1, 1)), "GIF")),
    "too-small": ("png", lambda image: palette_png(shrink(image, 40))),
    "banner": ("jpg", _banner),
    "bomb": ("png", _flat_bomb),
    "too-long": ("jpg", lambda image: jpeg(image)[:300] + b"\0" * 1_300_000),
}
