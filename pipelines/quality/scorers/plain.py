"""What needs no model: sides, bytes, and how much there is to see."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from dalle_model.pixels import Rgb
from pipelines.quality.scorer import Rule, Score, Scorer, Stored, Values

_LEVELS = 16  # of each channel, in which colours are counted; chosen: noise of a JPEG stays in one


class PlainConfig(BaseModel):
    """Limits on what is measured of an image without a model; null for none.

    Args:
        min_side: of the shorter edge of the original, in pixels.
        max_aspect: longer by shorter edge of the original.
        min_bytes: of the image as stored.
        max_blankness: share of the pixels that have the commonest colour, 0..1. Chosen: a scan of
            a page has 0.85, a drawing on white seldom above 0.95.
        min_entropy: of the brightness of the pixels, in bits, 0..8. Chosen: a photograph has 6 to
            8, two colours have at most 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_side: int | None = Field(default=None, ge=1)
    max_aspect: float | None = Field(default=None, ge=1)
    min_bytes: int | None = Field(default=None, ge=0)
    max_blankness: float | None = Field(default=0.98, ge=0, le=1)
    min_entropy: float | None = Field(default=0.5, ge=0, le=8)


def blankness(rgb: Rgb) -> float:
    """The share of pixels, 0..1, that have the commonest of 4,096 colours.

    Args:
        rgb: uint8 `(height, width, 3)`.
    """
    step = 256 // _LEVELS
    red, green, blue = (rgb[..., channel].astype(np.int64) // step for channel in range(3))
    counts = np.bincount(((red * _LEVELS + green) * _LEVELS + blue).ravel())
    return float(counts.max() / counts.sum())


def entropy(rgb: Rgb) -> float:
    """Of the histogram of brightness (ITU-R 601-2), in bits, 0..8; of uint8 `(height, width, 3)`.

    Source: Shannon 1948; as `PIL.Image.Image.entropy`.
    """
    from PIL import Image

    return float(Image.fromarray(rgb).convert("L").entropy())


def _columns(_section: PlainConfig) -> Sequence[pa.Field]:
    return (
        pa.field("short_side", pa.uint32()),
        pa.field("aspect", pa.float32()),
        pa.field("stored_bytes", pa.uint32()),
        pa.field("blankness", pa.float32()),
        pa.field("entropy", pa.float32()),
    )


def _score(stored: Stored) -> Values:
    short, long = sorted((stored.width, stored.height))
    return {
        "short_side": short,
        "aspect": long / short,
        "stored_bytes": stored.num_bytes,
        "blankness": blankness(stored.rgb),
        "entropy": entropy(stored.rgb),
    }


def _load(_section: PlainConfig, _weights: bytes) -> Score:
    return _score


SCORER = Scorer(
    name="plain",
    about="sides, bytes, blankness and entropy",
    config=PlainConfig,
    columns=_columns,
    rules=(
        Rule("small_side", "short_side", "min_side", is_least=True),
        Rule("long_image", "aspect", "max_aspect"),
        Rule("few_bytes", "stored_bytes", "min_bytes", is_least=True),
        Rule("blank", "blankness", "max_blankness"),
        Rule("low_entropy", "entropy", "min_entropy", is_least=True),
    ),
    cpu_s=0.75e-3,
    load=_load,
    libraries={"numpy": ("numpy",), "pillow": ("pillow",)},
)
