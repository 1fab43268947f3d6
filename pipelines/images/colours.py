"""Converts any decoded image to upright sRGB on white, as a browser would show it."""

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageCms, ImageFile

from dalle_model.pixels import Rgb

ORIENTATION_TAG = 0x0112  # Source: Exif 2.32, table 4
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
# Pillow widens or narrows the samples of these PNGs to 8 bits, but not their transparent colour.
_KEY_SCALE = {"L;2": 85.0, "L;4": 17.0, "RGB;16B": 1 / 256}
_PROFILE_SPACES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}


def upright_rgb(image: ImageFile.ImageFile) -> Rgb:
    """Decode the first frame of an opened image and convert it to upright 8-bit sRGB.

    Transparent areas become white, as on a page. An embedded ICC profile is applied; one that is
    broken or made for another colour space is ignored, as in browsers. So are PNG's gAMA and cHRM
    chunks.

    Returns:
        uint8 `(height, width, 3)`, 0..255, row 0 on top.

    Raises:
        Exception: of almost any class, where the bytes are hostile.
    """
    raw_modes = [tile.args for tile in image.tile]  # gone once loaded
    image.load()
    _scale_transparent_colour(image, raw_modes)
    turn = _UPRIGHT.get(_orientation(image))
    profile = image.info.get("icc_profile")
    srgb = _to_srgb(_opaque(_to_8_bit(image)), profile)
    return np.asarray(srgb if turn is None else srgb.transpose(turn))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    except (ValueError, TypeError, LookupError, SyntaxError, OSError, struct.error):
        return 1  # broken Exif next to intact pixels: shown as stored


def _scale_transparent_colour(image: Image.Image, raw_modes: Sequence[object]) -> None:
    scales = [_KEY_SCALE[raw] for raw in raw_modes if isinstance(raw, str) and raw in _KEY_SCALE]
    key = image.info.get("transparency")
    if not scales or key is None:
        return
    if isinstance(key, tuple):
        image.info["transparency"] = tuple(int(sample * scales[0]) for sample in key)
    else:
        image.info["transparency"] = int(key * scales[0])


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Reduce 16-bit grey to its high byte, which is what Pillow keeps of 16-bit colour."""
    if not image.mode.startswith("I"):
        return image
    deep = np.asarray(image).astype(np.int64)
    grey = Image.fromarray((deep >> 8).clip(0, 255).astype(np.uint8))
    key = image.info.get("transparency")
    if isinstance(key, int):
        grey.putalpha(Image.fromarray(np.where(deep == key, 0, 255).astype(np.uint8)))
    return grey


def _opaque(image: Image.Image) -> Image.Image:
    """Composite on white; the result is L, RGB or CMYK."""
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(layer)
        return white.convert("RGB")
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        image = _through_profile(image, profile)
    return image.convert("RGB")


def _through_profile(image: Image.Image, encoded: bytes) -> Image.Image:
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(encoded))
        if _PROFILE_SPACES.get(profile.profile.xcolor_space) != image.mode:
            return image
        if ImageCms.getProfileDescription(profile).startswith("sRGB"):
            return image
        turned = ImageCms.profileToProfile(image, profile, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # a broken profile next to intact pixels
    return image if turned is None else turned
