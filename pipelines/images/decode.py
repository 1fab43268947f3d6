"""The only place where untrusted bytes reach a decoder: pixels, or an `UnusableImageError`."""

import io
import re
import warnings

from PIL import Image

from dalle_model.pixels import Rgb
from pipelines.images.colours import upright_rgb
from pipelines.images.config import ImagesConfig
from pipelines.images.rules import Reason, UnusableImageError, checks
from pipelines.rejection import first_failure

MAX_DETAIL = 200  # characters of a decoder's message; chosen: a line of the report

_ADDRESS = re.compile(r" ?<[^<>]* at 0x[0-9a-f]+>")  # of the stream; it differs in every process

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"%PDF": "PDF",
    b"\x00\x00\x01\x00": "ICO",
}


def decode(encoded: bytes, config: ImagesConfig) -> Rgb:
    """Decode the first frame of an image, upright, as sRGB on white.

    Every rule that the header alone can break is checked before any pixel is decoded, so a
    decompression bomb costs no more than its header.

    Args:
        encoded: the file as served, untrusted.
        config: allowed formats and limits.

    Returns:
        uint8 `(height, width, 3)`, 0..255, row 0 on top.

    Raises:
        UnusableImageError: a rule is broken, or the bytes are not a complete image.
    """
    kind = sniff(encoded)
    if kind not in config.formats:
        raise UnusableImageError(Reason.WRONG_FORMAT, f"{kind}; allowed: {_listed(config)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow warns about is checked here or harmless
            return _decode(encoded, kind, config)
    except UnusableImageError:
        raise
    except Image.DecompressionBombError as error:
        raise _translated(Reason.TOO_MANY_PIXELS, error, config.max_pixels) from error
    except Exception as error:  # hostile bytes make decoders raise almost anything
        is_short = "truncated" in str(error).lower()
        raise _translated(Reason.TRUNCATED if is_short else Reason.UNDECODABLE, error) from error


def sniff(encoded: bytes) -> str:
    """The format that the first bytes announce, by Pillow's name for it where there is one."""
    for magic, kind in _MAGIC.items():
        if encoded.startswith(magic):
            return kind
    if encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP":
        return "WEBP"
    if encoded[4:8] == b"ftyp":
        return "AVIF or HEIC"
    if encoded[:64].lstrip(b"\xef\xbb\xbf\t\n\r ").startswith(b"<"):
        return "HTML or SVG"
    return "unknown" if encoded else "empty"


def _decode(encoded: bytes, kind: str, config: ImagesConfig) -> Rgb:
    with Image.open(io.BytesIO(encoded), formats=[kind]) as image:
        broken = first_failure(checks(*image.size, len(encoded), config))
        if broken is not None:
            raise UnusableImageError(
                broken.reason, broken.detail, broken.measured, broken.threshold
            )
        return upright_rgb(image)


def _translated(
    reason: Reason, error: Exception, threshold: float | None = None
) -> UnusableImageError:
    message = f"{type(error).__name__}: {_ADDRESS.sub('', str(error))}"
    return UnusableImageError(reason, message[:MAX_DETAIL], threshold=threshold)


def _listed(config: ImagesConfig) -> str:
    return ", ".join(config.formats)
