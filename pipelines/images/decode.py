"""Where untrusted bytes reach a decoder, in a process that can do no harm: pixels, or a reason."""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from dalle_model.pixels import Rgb
from pipelines.images import turbo
from pipelines.images.config import ImagesConfig
from pipelines.images.containers import gif, jpeg, png, webp
from pipelines.images.rules import Reason, UnusableImageError, checks
from pipelines.io.colours import upright_rgb, upright_size, upright_srgb
from pipelines.rejection import first_failure

BROKEN = (Reason.TRUNCATED, Reason.UNDECODABLE)  # the bytes are at fault, not a rule
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
    b"8BPS": "PSD",
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
}
# Brands of ISO media files. Source: mp4ra.org/registered-types/brands
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"
)
_BARE: dict[str, Callable[[bytes], bytes]] = {
    "GIF": gif.without_side_data,
    "JPEG": jpeg.without_side_data,
    "PNG": png.without_side_data,
    "WEBP": webp.without_side_data,
}


class Served(NamedTuple):
    """What is known of a file before it is opened, and stays so while it is mended.

    Args:
        kind: its format.
        num_bytes: of the file as served.
        config: allowed formats and limits.
    """

    kind: str
    num_bytes: int
    config: ImagesConfig


class Decoded(NamedTuple):
    """An image, upright, as sRGB on white.

    Args:
        rgb: uint8 `(height, width, 3)`, 0..255, row 0 on top; smaller where decoded at a scale.
        width: of the original, in pixels.
        height: of the original, in pixels.
    """

    rgb: Rgb
    width: int
    height: int

    @property
    def is_scaled(self) -> bool:
        """Whether its pixels are fewer than those of the original."""
        return self.rgb.shape[:2] != (self.height, self.width)


def decode(encoded: bytes, config: ImagesConfig) -> Decoded:
    """Decode the first frame of an image, upright, as sRGB on white.

    Every rule that the header alone can break is checked before any pixel is decoded, so a
    decompression bomb costs no more than its header. Only where the file cannot be decoded as it
    is, what its pixels do not need is left out: damaged or huge texts, profiles, comments and
    later frames, and the lack of an end mark, do not cost the image. A profile that is left out
    is taken for sRGB, Exif for upright. Nothing is made up for pixels that were cut off.

    A crafted file can break into the process that calls this: `pipelines.images.sandbox` calls it
    in a process that can do no harm.

    Args:
        encoded: the file as served, untrusted.
        config: allowed formats and limits, and whether JPEGs may be decoded at a scale.

    Raises:
        UnusableImageError: a rule is broken, or the bytes are not a complete image.
    """
    kind = sniff(encoded)
    if kind not in config.formats:
        raise UnusableImageError(Reason.WRONG_FORMAT, f"{kind}; allowed: {_listed(config)}")
    served = Served(kind, len(encoded), config)
    found = _outcome(encoded, served)
    if _is_broken(found):
        mended = (_common(files, served) for files in _mended(encoded, kind))
        found = next((again for again in mended if not _is_broken(again)), found)
    if isinstance(found, UnusableImageError):
        raise found
    return found


def sniff(encoded: bytes) -> str:
    """The format that the first bytes announce, by Pillow's name for it where there is one."""
    for magic, kind in _MAGIC.items():
        if encoded.startswith(magic):
            return kind
    if encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP":
        return "WEBP"
    if encoded[4:8] == b"ftyp":
        return _BRANDS.get(encoded[8:12], "a video or another ISO media file")
    if encoded[:64].lstrip(b"\xef\xbb\xbf\t\n\r ").startswith(b"<"):
        return "HTML or SVG"
    return "unknown" if encoded else "empty"


def _mended(encoded: bytes, kind: str) -> Iterator[list[bytes]]:
    """Files to try in place of a broken one, together where they must have the same pixels."""
    bare = _BARE[kind](encoded)
    if bare != encoded:
        yield [bare]
    if kind == "JPEG" and (ended := jpeg.with_ends(bare)):
        yield ended


def _common(files: list[bytes], served: Served) -> Decoded | UnusableImageError:
    """The outcome that files have in common; where they differ, their image is cut short."""
    found = _outcome(files[0], served)
    for other in files[1:]:
        if isinstance(found, UnusableImageError):
            break
        again = _outcome(other, served)
        if isinstance(again, UnusableImageError) or not np.array_equal(again.rgb, found.rgb):
            return UnusableImageError(Reason.TRUNCATED)
    return found


def _is_broken(found: Decoded | UnusableImageError) -> bool:
    """Whether the bytes are at fault, rather than a rule broken."""
    return isinstance(found, UnusableImageError) and found.check.reason in BROKEN


def _outcome(encoded: bytes, served: Served) -> Decoded | UnusableImageError:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow warns about is checked here or harmless
            return _decode(encoded, served)
    except UnusableImageError as error:
        return error.with_traceback(None)  # which would keep the image in memory
    except Image.DecompressionBombError as error:
        return _translated(Reason.TOO_MANY_PIXELS, error, served.config.max_pixels)
    except MemoryError:
        return UnusableImageError(Reason.OUT_OF_MEMORY)
    except Exception as error:  # noqa: BLE001 - hostile bytes make decoders raise almost anything
        is_short = "truncated" in str(error).lower()
        return _translated(Reason.TRUNCATED if is_short else Reason.UNDECODABLE, error)


def _decode(encoded: bytes, served: Served) -> Decoded:
    with Image.open(io.BytesIO(encoded), formats=[served.kind]) as image:
        broken = first_failure(checks(*image.size, served.num_bytes, served.config))
        if broken is not None:
            raise UnusableImageError(
                broken.reason, broken.detail, broken.measured, broken.threshold
            )
        raw = turbo.decode(encoded, image, served.config) if served.kind == "JPEG" else None
        if raw is not None:
            return Decoded(upright_srgb(raw, image), *upright_size(image))
        rgb = upright_rgb(image)
        may_be_cut = served.kind == "JPEG" and jpeg.may_be_cut(
            encoded, np.asarray(image), "progressive" in image.info
        )
    if may_be_cut:
        _check_last_scan(encoded, rgb)
    return Decoded(rgb, rgb.shape[1], rgb.shape[0])


def _check_last_scan(encoded: bytes, rgb: Rgb) -> None:
    filled = io.BytesIO(jpeg.with_filling(encoded))
    with Image.open(filled, formats=["JPEG"]) as image:
        if not np.array_equal(upright_rgb(image), rgb):
            raise UnusableImageError(Reason.TRUNCATED, "a scan ends before its last block")


def _translated(
    reason: Reason, error: Exception, threshold: float | None = None
) -> UnusableImageError:
    message = f"{type(error).__name__}: {_ADDRESS.sub('', str(error))}"
    return UnusableImageError(reason, message[:MAX_DETAIL], threshold=threshold)


def _listed(config: ImagesConfig) -> str:
    return ", ".join(config.formats)
