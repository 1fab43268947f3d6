"""Settings of the label_overlap stage."""

import posixpath
from importlib.metadata import version
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dalle_model import files
from dalle_model.errors import UsageError
from pipelines.paths import counted_from
from pipelines.stage import plain_settings

NO_LABELS, NO_OVERLAP, UNDECODABLE = REASONS = ("no_labels", "no_label_overlap", "undecodable")

Channels = tuple[float, float, float]


class LabelsError(UsageError):
    """A table of labels or a classifier cannot be used: which, why, and what to change."""


class ClassifierConfig(BaseModel):
    """A classifier of images as an ONNX file, and how images become its input.

    Args:
        path: of the file, with one input of images and one output of a value a class.
        names: a text file with the name of each class on a line, in the order of the output; what
            stands between commas are other names of it.
        side: edge of the centred square that it is given, in pixels.
        mean: of red, green and blue, 0..1, which is subtracted.
        std: by which they are divided then. Source: torchvision, `ImageClassification`.
        layout: of the input, as `NCHW` or `NHWC`.
        activation: from outputs to scores: `softmax` of one class an image, `sigmoid` of any
            number, or `none`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    names: str
    side: int = Field(default=224, ge=8, le=4096)
    mean: Channels = (0.485, 0.456, 0.406)
    std: Channels = (0.229, 0.224, 0.225)
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"


class LabelOverlapConfig(BaseModel):
    """Where labels of images come from, and how many of them captions must have.

    Args:
        table: of labels: a Parquet, CSV or JSONL file with a column `labels`, a column `key` or
            `url` of the image, and `scores` where there are some.
        classifier: that gives them; the one or the other.
        min_labels: labels that an image has however low their scores, the best ones. Source: Sharma
            et al. 2018 (Conceptual Captions), section 3: between 5 and 20 labels an image.
        max_labels: labels that it has at most; likewise.
        min_score: of a label beyond those. Chosen: ten times what chance gives of 1,000 classes.
        min_overlap: labels that must be in the caption. Source: as of `min_labels`, at least one.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str | None = None
    classifier: ClassifierConfig | None = None
    min_labels: int = Field(default=5, ge=0)
    max_labels: int = Field(default=20, ge=1)
    min_score: float = Field(default=0.01, ge=0, allow_inf_nan=False)
    min_overlap: int = Field(default=1, ge=0)
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _labels_come_from_one_place(self) -> Self:
        if (self.table is None) == (self.classifier is None):
            raise ValueError(
                "set `table`, or `classifier` with its `path` and `names`: one of both"
            )
        if self.min_labels > self.max_labels:
            raise ValueError("`min_labels` is above `max_labels`")
        return self


def relocated(config: LabelOverlapConfig, folder: str) -> LabelOverlapConfig:
    """The same, with plain paths counted from a folder."""
    if config.classifier is None:
        return config.model_copy(update={"table": counted_from(folder, str(config.table))})
    paths = {
        name: counted_from(folder, getattr(config.classifier, name)) for name in ("path", "names")
    }
    return config.model_copy(update={"classifier": config.classifier.model_copy(update=paths)})


def settings(config: LabelOverlapConfig) -> dict[str, Any]:
    """What decides the result: of files their content, which is a dependency."""
    values = plain_settings(config)
    if config.table is not None:
        values["table"] = posixpath.splitext(config.table)[1]  # by which it is read
    else:
        del values["classifier"]["path"], values["classifier"]["names"]
    return values


def dependencies(config: LabelOverlapConfig) -> dict[str, str]:
    """Name -> version or sha256 of where labels come from.

    Raises:
        LabelsError: a file is not there.
        PackageNotFoundError: the library that runs classifiers is not installed.
    """
    if config.classifier is None:
        return {"labels": _sha256(str(config.table), "label_overlap.table")}
    found = {
        name: _sha256(getattr(config.classifier, name), f"label_overlap.classifier.{name}")
        for name in ("path", "names")
    }
    return found | {library: version(library) for library in ("numpy", "onnxruntime", "pillow")}


def _sha256(url: str, setting: str) -> str:
    try:
        return files.sha256_while_same(url)
    except FileNotFoundError as error:
        raise LabelsError(f"{setting}: there is no file at {url}; correct the path") from error
