"""Settings of the images stage."""

from importlib.metadata import PackageNotFoundError, version
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dalle_model.config import Resample
from dalle_model.errors import UsageError
from pipelines.images.pillow_version import check_pillow

Format = Literal["JPEG", "PNG", "WEBP", "GIF"]
Crop = Literal["none", "center"]
Decoding = Literal["full", "scaled"]
Store = Literal["png", "jpeg"]

_RESAMPLE: Resample = "bicubic"  # chosen: a quarter of the time of `lanczos`
ANY_ASPECT = 65_535  # chosen: no file of the formats that are read has a longer edge but PNG
DALLE_SIDE = 256  # Source: Ramesh et al. 2021, section 2: images of 256x256 pixels


class ResizeError(UsageError):
    """The filter that a config names needs a library that is not installed."""


class ImagesConfig(BaseModel):
    """Which images are kept, and the size at which they are stored.

    Args:
        side: the shorter edge as stored, in pixels; what the codec needs for the views of
            `encode.views` where it is not set, such as its square for the centre.
        min_side: the shortest edge that is kept, in pixels; defaults to `side`.
        max_aspect: longer edge over shorter edge. Source: Ramesh et al. 2021, appendix C, which
            drops aspect ratios outside [1/2, 2].
        max_pixels: width times height; chosen: above the 48 megapixels of phones, 150 MB as RGB.
        min_bytes: of the file as served; 0 keeps all.
        formats: decoders that untrusted bytes may reach; of an animation, only the first frame.
            Chosen: what cameras, editors and pages write; each further decoder, such as those of
            AVIF, BMP and TIFF, is further code for a crafted file to break.
        resize: the filter that scales; where it is not set that of the codec's training, such as
            `lanczos` for the released dVAE and the shipped codec, or `bicubic` where no codec says.
            `bicubic` needs torch, and takes a quarter of the time.
        crop: `center` keeps the largest centred square, which is all that a codec encodes; `none`
            the whole image.
        decode: `scaled` decodes a JPEG at the smallest of 1/2, 1/4 and 1/8 of its size that is not
            below the size as stored: sooner, and other pixels by a little. `pixel_hash` is of those
            then. Of one image in 64, tokens from all pixels are compared in the report.
        store: `png`, without loss, or `jpeg`, of quality 95 without subsampling, in a third of it.
        timeout_s: for one image. Chosen: some thirty times what the largest one takes.
        max_declared_hamming: bits in which an image may differ from the perceptual hash that its
            row declares; 64 accepts any image. Source: imagededup `find_duplicates`, whose
            `max_distance_threshold` is 10; two images that have nothing in common differ in 32.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: int | None = Field(default=None, ge=8)
    min_side: int | None = Field(default=None, ge=1)
    max_aspect: float = Field(default=2.0, ge=1)
    max_pixels: int = Field(default=50_000_000, ge=1)
    min_bytes: int = Field(default=0, ge=0)
    formats: tuple[Format, ...] = Field(default=("JPEG", "PNG", "WEBP", "GIF"), min_length=1)
    resize: Resample | None = None
    crop: Crop = "none"
    decode: Decoding = "full"
    store: Store = "png"
    timeout_s: float = Field(default=30, gt=0, le=3600)
    max_declared_hamming: int = Field(default=10, ge=0, le=64)
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)

    @property
    def stored_side(self) -> int:
        """The shorter edge as stored, in pixels, also of a run that has no codec."""
        return DALLE_SIDE if self.side is None else self.side

    @property
    def resample(self) -> Resample:
        """The filter that scales, also of a run whose codec names none."""
        return _RESAMPLE if self.resize is None else self.resize

    @property
    def smallest_side(self) -> int:
        """The shortest edge that is kept, in pixels."""
        return self.stored_side if self.min_side is None else self.min_side

    @model_validator(mode="after")
    def _never_upscales(self) -> Self:
        if self.side is not None and (problem := upscales(self)):
            raise ValueError(problem)
        return self


def upscales(config: ImagesConfig) -> str:
    """Why an image that is kept would have to be scaled up; empty where none would."""
    if config.smallest_side >= config.stored_side:
        return ""
    return (
        f"min_side is {config.min_side} px, but images are stored at {config.stored_side} px and "
        "never scaled up: raise min_side or lower side"
    )


def dependencies(config: ImagesConfig) -> dict[str, str]:
    """What else changes the result: the libraries that decode, convert, resize and encode.

    Raises:
        PillowVersionError: the installed one is not safe to decode with.
        ResizeError: the filter needs a library that is not installed.
    """
    pillow = version("pillow")
    check_pillow(pillow)
    found = {name: version(name) for name in ("simplejpeg", "deflate")}
    return {"pillow": pillow} | found | _of_resize(config)


def _of_resize(config: ImagesConfig) -> dict[str, str]:
    if config.resample == "lanczos":
        return {}
    try:
        return {"torch": version("torch")}
    except PackageNotFoundError as error:
        raise ResizeError(
            "images.resize is `bicubic`, which is torch's, and torch is not installed; run "
            "`pip install 'dalle[model]'`, or set `images.resize: lanczos`, which is Pillow's"
        ) from error
