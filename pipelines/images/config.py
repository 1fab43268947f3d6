"""Settings of the images stage."""

from importlib.metadata import version
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.images.pillow_version import check_pillow

Format = Literal["JPEG", "PNG", "WEBP", "GIF"]


class ImagesConfig(BaseModel):
    """Which images are kept, and the size at which they are stored.

    Args:
        side: the shorter edge as stored, in pixels; the side of the encoder's square.
        min_side: the shortest edge that is kept, in pixels; defaults to `side`.
        max_aspect: longer edge over shorter edge. Source: Ramesh et al. 2021, appendix C, which
            drops aspect ratios outside [1/2, 2].
        max_pixels: width times height; chosen: above the 48 megapixels of phones, 150 MB as RGB.
        min_bytes: of the file as served; 0 keeps all.
        formats: decoders that untrusted bytes may reach; of an animation, only the first frame.
            Chosen: what cameras, editors and pages write; each further decoder, such as those of
            AVIF, BMP and TIFF, is further code for a crafted file to break.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: int = Field(default=256, ge=8)
    min_side: int | None = Field(default=None, ge=1)
    max_aspect: float = Field(default=2.0, ge=1)
    max_pixels: int = Field(default=50_000_000, ge=1)
    min_bytes: int = Field(default=0, ge=0)
    formats: tuple[Format, ...] = Field(default=("JPEG", "PNG", "WEBP", "GIF"), min_length=1)
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)

    @property
    def smallest_side(self) -> int:
        """The shortest edge that is kept, in pixels."""
        return self.side if self.min_side is None else self.min_side

    @model_validator(mode="after")
    def _never_upscales(self) -> Self:
        if self.smallest_side < self.side:
            raise ValueError(
                f"min_side is {self.min_side} px, but images are stored at {self.side} px and "
                "never scaled up: raise min_side or lower side"
            )
        return self


def dependencies(config: ImagesConfig) -> dict[str, str]:
    """What else changes the result: Pillow, which decodes, converts, resizes and encodes.

    Raises:
        PillowVersionError: the installed one is not safe to decode with.
    """
    pillow = version("pillow")
    check_pillow(pillow)
    return {"pillow": pillow}
