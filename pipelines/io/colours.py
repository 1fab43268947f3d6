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
_ON_ITS_SIDE = (5, 6, 7, 8)
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
# Pillow widens or narrows the samples of these PNGs to 8 bits, but not their transparent colour.
_KEY_SCALE = {"L;2": 85.0, "L;4": 17.0, "RGB;16B": 1 / 256}
_PROFILE_SPACES = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}
# What a broken profile raises; the pixels next to it are intact.
_BROKEN_PROFILE = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


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
    opaque = _opaque(_to_8_bit(image))
    return _turned(np.asarray(_to_srgb(opaque, _profile(image, opaque.mode))), image)


def upright_srgb(raw: Rgb, image: ImageFile.ImageFile) -> Rgb:
    """The same of the pixels of a JPEG in RGB or grey that another decoder than Pillow gave.

    Args:
        raw: as stored, grey as three equal colours.
        image: as opened, for its orientation and its profile.
    """
    profile = _profile(image, image.mode)
    if profile is None:
        return _turned(raw, image)
    stored = Image.fromarray(raw if image.mode == "RGB" else np.ascontiguousarray(raw[:, :, 0]))
    return _turned(np.asarray(_to_srgb(stored, profile)), image)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height in pixels, once upright."""
    width, height = image.size
    return (height, width) if _orientation(image) in _ON_ITS_SIDE else (width, height)


def _turned(rgb: Rgb, image: Image.Image) -> Rgb:
    turn = _UPRIGHT.get(_orientation(image))
    return rgb if turn is None else np.asarray(Image.fromarray(rgb).transpose(turn))


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


def _to_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile | None) -> Image.Image:
    if profile is not None:
        image = _through_profile(image, profile)
    return image.convert("RGB")


def _profile(image: Image.Image, mode: str) -> ImageCms.ImageCmsProfile | None:
    """The profile that turns the pixels into sRGB; None where they are taken for it as they are."""
    encoded = image.info.get("icc_profile")
    if not encoded:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(encoded))
        is_for_mode = _PROFILE_SPACES.get(profile.profile.xcolor_space) == mode
        is_srgb = ImageCms.getProfileDescription(profile).startswith("sRGB")
    except _BROKEN_PROFILE:
        return None
    return profile if is_for_mode and not is_srgb else None


def _through_profile(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    try:
        turned = ImageCms.profileToProfile(image, profile, _SRGB, outputMode="RGB")
    except _BROKEN_PROFILE:
        return image
    return image if turned is None else turned
