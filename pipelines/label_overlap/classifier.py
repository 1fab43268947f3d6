"""A classifier as an ONNX file: one image at a time, in one thread, so that scores are the same."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dalle_model import files
from dalle_model.pixels import Rgb, crop_box
from pipelines.label_overlap.config import ClassifierConfig, LabelsError
from pipelines.label_overlap.matching import Scored, clean_label

Floats = NDArray[np.float32]


class Classifier:
    """Gives every class of an image its score.

    Args:
        config: the file, the names of its classes, and its input.

    Raises:
        LabelsError: it cannot be used.
    """

    def __init__(self, config: ClassifierConfig) -> None:
        self._config, self._session = config, _session(config.path)
        self._input, *others = (one.name for one in self._session.get_inputs())
        if others:
            raise LabelsError(f"{config.path} has {1 + len(others)} inputs, and images are one")
        lines = files.read_bytes(config.names).decode().splitlines()
        self._names = [clean_label(line) for line in lines if line.strip()]

    def labels(self, image: Rgb) -> list[Scored]:
        """Every class with its score, in the order of the classes.

        Args:
            image: RGB uint8 `(height, width, 3)`.

        Raises:
            LabelsError: the file does not take such an input, or has other classes than names.
        """
        config = self._config
        try:
            (output, *_) = self._session.run(None, {self._input: as_input(image, config)})
        except Exception as error:  # of the library, by what the file asks for
            raise LabelsError(
                f"{config.path} does not take images of {config.side} px as {config.layout}: "
                f"{str(error)[:200]}; set `side` and `layout` of label_overlap.classifier"
            ) from error
        scores = activated(np.asarray(output, np.float32).reshape(-1), config.activation)
        if len(scores) != len(self._names):
            raise LabelsError(
                f"{config.path} has {len(scores)} classes and {config.names} {len(self._names)} "
                "names; give it the list of the classes that it was trained on"
            )
        return list(zip(self._names, scores.tolist(), strict=True))


def as_input(image: Rgb, config: ClassifierConfig) -> Floats:
    """The centred square of an image, scaled, normalised, and laid out as a batch of one.

    Returns:
        float32 `(1, 3, side, side)` or, of the layout `NHWC`, `(1, side, side, 3)`.
    """
    size, box = (config.side, config.side), crop_box(image.shape[1], image.shape[0])
    scaled = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, box)
    square = np.asarray(scaled, np.float32) / 255
    mean, std = np.array(config.mean, np.float32), np.array(config.std, np.float32)
    normal = (square - mean) / std
    laid_out = normal if config.layout == "NHWC" else normal.transpose(2, 0, 1)
    return np.ascontiguousarray(laid_out[None], np.float32)


def activated(outputs: Floats, activation: str) -> Floats:
    """Outputs as scores, float32 `(classes,)`."""
    if activation == "none":
        return outputs
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-outputs.astype(np.float64))), np.float32)
    exponents = np.exp(outputs.astype(np.float64) - outputs.max())
    return np.asarray(exponents / exponents.sum(), np.float32)


@lru_cache(maxsize=1)
def shared_classifier(config: ClassifierConfig, _facts: tuple[tuple[str, str], ...]) -> Classifier:
    """The classifier of a process, loaded again where one of its files has changed."""
    return Classifier(config)


def _session(url: str) -> Any:
    import onnxruntime  # here, since tables need none

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    try:
        return onnxruntime.InferenceSession(
            files.read_bytes(url), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # of the library: half a dozen classes, by what is wrong
        raise LabelsError(f"{url} is no ONNX file that can be run: {str(error)[:200]}") from error
