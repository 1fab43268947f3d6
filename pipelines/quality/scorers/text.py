"""Text in the image, by the detector of PP-OCRv4 (DBNet, Liao et al. 2020)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from dalle_model.pixels import Rgb
from pipelines.quality.scorer import Rule, Score, Scorer, Stored, Values
from pipelines.quality.session import open_session
from pipelines.quality.weights import EXTRA, ScorerError, Weights

# Source: rapidocr-onnxruntime 1.4.4 `config.yaml`, section Det, but for the side.
_POST = {
    "thresh": 0.3,
    "box_thresh": 0.5,
    "max_candidates": 1000,
    "unclip_ratio": 1.6,
    "use_dilation": True,
    "score_mode": "fast",
}
_MULTIPLE = 32  # of the edges that the network takes
_MAX_EDGE = 2000  # Source: the same, Global.max_side_len


class TextConfig(BaseModel):
    """How closely text is looked for, and how much there may be.

    Args:
        side: of the shorter edge at which the network sees an image, in pixels; its time grows
            with the square. Chosen: rapidocr's 736 takes textures for text (docs/quality.md).
        max_area: share of the image that lines of text cover, 0..1; null for no limit.
        max_boxes: lines of text; null for no limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: int = Field(default=320, ge=32, le=2000)
    max_area: float | None = Field(default=None, ge=0, le=1)
    max_boxes: int | None = Field(default=None, ge=0)


def prepared(rgb: Rgb, side: int) -> NDArray[np.float32]:
    """What the network takes of an image: `(1, 3, height, width)`, BGR in -1..1.

    Args:
        rgb: uint8 `(height, width, 3)`.
        side: of the shorter edge, in pixels, less where the longer one would be above 2,000.
    """
    height, width, _ = rgb.shape
    scale = min(side / min(height, width), _MAX_EDGE / max(height, width))
    down, across = (max(1, round(edge * scale / _MULTIPLE)) * _MULTIPLE for edge in (height, width))
    resized = Image.fromarray(rgb).resize((across, down), Image.Resampling.BILINEAR)
    bgr = np.asarray(resized, np.float32)[..., ::-1] / 255
    return np.ascontiguousarray(((bgr - 0.5) / 0.5).transpose(2, 0, 1)[None], np.float32)


def share_covered(boxes: NDArray[np.int32], height: int, width: int) -> float:
    """The share of an image, 0..1, that lies in one quadrangle or more.

    Args:
        boxes: `(n, 4, 2)`: corners in pixels, across and down.
        height: of the image, in pixels.
        width: likewise.
    """
    import cv2

    covered = np.zeros((height, width), np.uint8)
    for box in boxes:
        cv2.fillConvexPoly(covered, box.astype(np.int32), 1)
    return float(covered.mean())


def _columns(_section: TextConfig) -> Sequence[pa.Field]:
    return (pa.field("text_boxes", pa.uint16()), pa.field("text_area", pa.float32()))


def _post_process() -> Any:
    try:
        from rapidocr_onnxruntime.ch_ppocr_det.utils import DBPostProcess
    except ModuleNotFoundError as error:
        raise ScorerError(
            f"the scorer `text` cannot find the library {error.name}; run `pip install "
            f"'dalle[{EXTRA}]'`, or leave `quality.text` out"
        ) from error
    return DBPostProcess(**_POST)


def _load(section: TextConfig, weights: bytes) -> Score:
    run, found_in = open_session("ch_PP-OCRv4_det_infer.onnx", weights), _post_process()

    def score(stored: Stored) -> Values:
        height, width, _ = stored.rgb.shape
        (chances,) = run(prepared(stored.rgb, section.side))
        boxes, _ = found_in(chances, (height, width))
        return {"text_boxes": len(boxes), "text_area": share_covered(boxes, height, width)}

    return score


SCORER = Scorer(
    name="text",
    about="the number and the area of lines of text, by the detector of PP-OCRv4",
    config=TextConfig,
    columns=_columns,
    rules=(
        Rule("text_area", "text_area", "max_area"),
        Rule("text_boxes", "text_boxes", "max_boxes"),
    ),
    cpu_s=29e-3,
    load=_load,
    min_side=128,
    weights=Weights(
        "rapidocr-onnxruntime", "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx"
    ),
    libraries={
        "numpy": ("numpy",),
        "onnxruntime": ("onnxruntime",),
        "opencv": ("opencv-python-headless", "opencv-python"),
        "pillow": ("pillow",),
        "pyclipper": ("pyclipper",),
        "rapidocr-onnxruntime": ("rapidocr-onnxruntime",),
        "shapely": ("shapely",),
    },
)
