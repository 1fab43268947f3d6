"""Features of Inception v3 in each of the ways that published numbers were computed.

One network, several ways to bring an image to 299 pixels: their FID of the same images differ by
several points, so each is a feature function of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from dalle_model import files
from dalle_model.evaluate.features import FeatureFacts
from dalle_model.evaluate.inception import WIDTH, Inception
from dalle_model.evaluate.networks import load_network, read_weights, vectors_of
from dalle_model.pixels import Rgb

# Shape letters: N images, B one image, C channels, H and W height and width, D features, K classes.

SIDE = 299
_CLASSES_OF_2015, _CLASSES = 1008, 1000
_TRAINING_HEAD = "AuxLogits."  # of torchvision's weights
# By which torchvision's network maps ImageNet's mean and deviation to 0.5 and 0.5; old pytorch-fid
# applies that to pixels in 0..1. Source: torchvision `models/inception.py`, `_transform_input`
_SCALE, _SHIFT = (0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5), (-0.03, -0.088, -0.188)


@dataclass(frozen=True)
class Convention:
    """A way to compute features of Inception.

    Args:
        source: whose it is, in words.
        resize: how an image is scaled, in words.
        prepare: does so, and maps the pixels; gives the input `(1, 3, 299, 299)`.
        is_of_2015: whether the network is TensorFlow's; else torchvision's.
    """

    source: str
    resize: str
    prepare: Callable[[Rgb], Tensor]
    is_of_2015: bool = True


class InceptionFeatures:
    """A `dalle_model.evaluate.features.Classifier`.

    Args:
        name: of `CONVENTIONS`.
        url: of the weights.

    Raises:
        FeaturesError: they are missing, damaged, or of another network.
    """

    def __init__(self, name: str, url: str) -> None:
        convention = CONVENTIONS[name]
        classes = _CLASSES_OF_2015 if convention.is_of_2015 else _CLASSES
        tensors = read_weights(url)
        used = {key: value for key, value in tensors.items() if not key.startswith(_TRAINING_HEAD)}
        model = load_network(lambda: Inception(classes, convention.is_of_2015), used, url)
        self._model, self._head, self._prepare = model, model.fc, convention.prepare
        if convention.is_of_2015:  # whose graph is read before it adds the bias, as DM-GAN's IS
            self._head.bias = None
        self.facts = FeatureFacts(
            name=name,
            convention=convention.source,
            sha256=files.sha256_while_same(url),
            dim=WIDTH,
            input_size=(SIDE, SIDE),
            resize=convention.resize,
        )

    def features(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        """What the last layer reads, float32 `(N, 2048)`."""
        return vectors_of(self._model, map(self._prepare, images), WIDTH)

    def logits(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        """Logits of the classes, float32 `(N, K)`: 1008 without bias, or torchvision's 1000."""
        return self.logits_of(self.features(images))

    def logits_of(self, features_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same, of features that are there already."""
        rows = (torch.from_numpy(features_D[None]) for features_D in features_ND)
        return vectors_of(self._head, rows, self._head.out_features)


def _as_pytorch_fid(image: Rgb) -> Tensor:
    pixels_BCHW = functional.interpolate(
        _planes(image) / 255, (SIDE, SIDE), mode="bilinear", align_corners=False
    )
    return 2 * pixels_BCHW - 1


def _as_clean_fid(image: Rgb) -> Tensor:
    planes = [Image.fromarray(image[:, :, c].astype(np.float32)) for c in range(3)]
    small = [plane.resize((SIDE, SIDE), Image.Resampling.BICUBIC) for plane in planes]
    pixels_BCHW = torch.from_numpy(np.stack([np.asarray(plane) for plane in small])[None])
    return (pixels_BCHW.clip(0, 255) - 128) / 128


def _as_tensorflow(image: Rgb) -> Tensor:
    """Bilinear from the upper left corners of pixels, as TensorFlow 1."""
    pixels_BCHW = _planes(image)
    for axis in (3, 2):
        size = pixels_BCHW.shape[axis]
        place = torch.arange(SIDE, dtype=torch.float32) * (size / SIDE)
        before = place.long()
        after = (before + 1).clamp_max(size - 1)
        share = (place - before).reshape([-1 if axis == own else 1 for own in range(4)])
        low = pixels_BCHW.index_select(axis, before)
        pixels_BCHW = low + (pixels_BCHW.index_select(axis, after) - low) * share
    return (pixels_BCHW - 128) / 128


def _as_inception_score(image: Rgb) -> Tensor:
    return (_squashed(image) - 128) / 128


def _as_dm_gan(image: Rgb) -> Tensor:
    scale, shift = (torch.tensor(values).reshape(1, 3, 1, 1) for values in (_SCALE, _SHIFT))
    return _squashed(image) / 255 * scale + shift


def _squashed(image: Rgb) -> Tensor:
    small = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return _planes(np.asarray(small))


def _planes(image: Rgb) -> Tensor:
    """Bytes as float32 `(1, 3, H, W)`, 0..255."""
    return torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]


# Sources: mseitzer/pytorch-fid 0.3 `inception.py`; clean-fid 0.1.35 `resize.py`,
# `inception_torchscript.py`; torch-fidelity 0.4.0 `feature_extractor_inceptionv3.py`; DM-GAN
# `eval/IS/coco/inception_score_coco.py`, `eval/FID/fid_score.py` (pytorch-fid 802da39)
CONVENTIONS = {
    "inception-fid": Convention(
        "pytorch-fid: network of 2015, 2x - 1", "bilinear in the network", _as_pytorch_fid
    ),
    "inception-clean": Convention(
        "clean-fid: network of 2015, (x - 128) / 128",
        "bicubic of Pillow in float, clipped, not rounded",
        _as_clean_fid,
    ),
    "inception-tf": Convention(
        "TTUR and torch-fidelity: network of 2015, (x - 128) / 128",
        "bilinear of TensorFlow 1, corners not aligned",
        _as_tensorflow,
    ),
    "inception-is": Convention(
        "Inception score of AttnGAN and DM-GAN: network of 2015, (x - 128) / 128",
        "bilinear of Pillow, rounded",
        _as_inception_score,
    ),
    "inception-torchvision": Convention(
        "FID of DM-GAN: network of torchvision, ImageNet's renormalisation of 0..1",
        "bilinear of Pillow, rounded",
        _as_dm_gan,
        is_of_2015=False,
    ),
}
