"""Features of any network that was exported as TorchScript, such as a DINO.

    model: dino.pt             # counted from the YAML file
    size: [224, 224]           # height and width
    resize: squash             # or `crop`: the largest centred part of that shape
    resample: bicubic          # of Pillow, rounded to bytes; or bilinear, lanczos, box
    mean: [0.485, 0.456, 0.406]
    std: [0.229, 0.224, 0.225]

It takes pixels `(1, 3, height, width)`, in 0..1 before `mean` and `std`, and returns `(1, d)`.
TorchScript is a program, which runs when it is loaded: take it only from whom you trust.
"""

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from dalle_model import files
from dalle_model.evaluate.features import FeatureFacts, FeaturesError
from dalle_model.evaluate.networks import vectors_of
from dalle_model.pixels import Rgb, crop_box
from dalle_model.tokenizers.codec import CodecError
from dalle_model.tokenizers.torchscript_codec import load_archive

_FILTERS = ("bicubic", "bilinear", "lanczos", "box")
_RESIZES = ("squash", "crop")
# Source: layer6ai-labs/dgm-eval `dgm_eval/models/dinov2.py` (Stein et al. 2023), ImageNet's means
_DINO_SIZE, _MEAN, _STD = (224, 224), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Form:
    """What an exported network takes; the fields are those of the YAML file.

    Raises:
        ValueError: one makes no sense.
    """

    model: str
    size: tuple[int, ...]
    resize: str
    resample: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f"size {self.size} is no height and width")
        if self.resize not in _RESIZES or self.resample not in _FILTERS:
            raise ValueError(
                f"resize {self.resize!r} by {self.resample!r}; known are {', '.join(_RESIZES)} by "
                f"{', '.join(_FILTERS)}"
            )
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise ValueError("mean and std need three numbers each, std above 0")

    def prepare(self, image: Rgb) -> Tensor:
        """An image as input of the network, float32 `(1, 3, *size)`."""
        height, width = self.size
        box = None
        if self.resize == "crop":
            box = crop_box(image.shape[1], image.shape[0], (height, width))
        resample = Image.Resampling[self.resample.upper()]
        small = Image.fromarray(image).resize((width, height), resample, box)
        unit = np.asarray(small, np.float32) / np.float32(255)
        pixels = (unit - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))


class ScriptFeatures:
    """A `dalle_model.evaluate.features.FeatureFunction`.

    Args:
        name: for its facts.
        form: of the network, whose code is run.

    Raises:
        FeaturesError: the archive is missing, no TorchScript, or returns no vectors.
    """

    def __init__(self, name: str, form: Form) -> None:
        self._form, self._model = form, _loaded(form.model)
        self.facts = FeatureFacts(
            name=name,
            convention=f"pixels less {list(form.mean)} by {list(form.std)}",
            sha256=files.sha256_while_same(form.model),
            dim=_dim(self._model, form),
            input_size=(form.size[0], form.size[1]),
            resize=f"{form.resize}, {form.resample} of Pillow, rounded",
        )

    def features(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        """What the network returns, float32 `(n, dim)`."""
        return vectors_of(self._model, map(self._form.prepare, images), self.facts.dim)


def dino_form(url: str) -> Form:
    """That of DINO and DINOv2 as in dgm-eval: squashed to 224 pixels, ImageNet's mean and std."""
    return Form(url, _DINO_SIZE, "squash", "bicubic", _MEAN, _STD)


def read_form(url: str) -> Form:
    """What a YAML file says.

    Raises:
        FeaturesError: it is missing, or a field is missing, unknown or makes no sense.
    """
    try:
        found: dict[str, Any] = yaml.safe_load(files.read_bytes(url))
        found["model"] = _located(url, found["model"])
        found["size"] = tuple(map(int, found["size"]))
        found["mean"], found["std"] = (tuple(map(float, found[name])) for name in ("mean", "std"))
        return Form(**found)
    except FileNotFoundError as error:
        raise FeaturesError(f"there is no description of a network at {url}") from error
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        names = ", ".join(field.name for field in fields(Form))
        raise FeaturesError(
            f"{url} describes no network: {str(error)[:200]}; it needs {names}"
        ) from error


def _located(url: str, path: str) -> str:
    return path if files.is_url(path) else posixpath.join(posixpath.dirname(url), path)


def _loaded(url: str) -> nn.Module:
    try:
        return load_archive(url)
    except FileNotFoundError as error:
        raise FeaturesError(f"there is no network at {url}") from error
    except CodecError as error:
        raise FeaturesError(str(error)) from error


def _dim(model: nn.Module, form: Form) -> int:
    """Values of a vector, by the one of a black image."""
    black = np.zeros((*form.size, 3), np.uint8)
    try:
        with torch.inference_mode():
            found = model(form.prepare(black))
    except RuntimeError as error:  # what is wrong is in the last lines
        raise FeaturesError(f"{form.model} takes no such input: {str(error)[-300:]}") from error
    if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != 1:
        shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise FeaturesError(f"{form.model} returns {shape} for one image, not vectors (1, d)")
    return found.shape[1]
