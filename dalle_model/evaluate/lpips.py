"""LPIPS: how different images look, by the activations of a classifier and weights of people.

Needs two files: torchvision's AlexNet or VGG16 trained on ImageNet, and the linear weights that the
paper's authors fitted to judgements of people for that network (`alex.pth`, `vgg.pth`, v0.1).

Source: Zhang et al. 2018; richzhang/PerceptualSimilarity `lpips.py`, `pretrained_networks.py`.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dalle_model.evaluate.features import FeaturesError
from dalle_model.evaluate.networks import load_network, read_weights
from dalle_model.pixels import Rgb
from dalle_model.threads import pinned_kernels

# Shape letters: N images, B one, C channels, H and W height and width.

_PREFIX, _FEATURES = "lpips@", "features."
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # ImageNet's, of pixels in -1..1
_EPS = 1e-10
# Layers of the networks after which activations are compared.
_ALEX_TAPS, _VGG_TAPS = (2, 5, 8, 10, 12), (4, 9, 16, 23, 30)
_VGG_WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)


class Lpips:
    """The distance by one network.

    Args:
        url: of the weights of torchvision's AlexNet or VGG16.
        linear_url: of the linear weights for it.

    Raises:
        FeaturesError: a file is missing, damaged, or of another network.
    """

    def __init__(self, url: str, linear_url: str) -> None:
        tensors = read_weights(url)
        first = tensors.get(f"{_FEATURES}0.weight", torch.empty(0))
        is_alex = tuple(first.shape[2:]) == (11, 11)
        used = {
            name.removeprefix(_FEATURES): value
            for name, value in tensors.items()
            if name.startswith(_FEATURES)
        }
        self._layers = load_network(alexnet if is_alex else vgg16, used, url)
        self._taps = _ALEX_TAPS if is_alex else _VGG_TAPS
        self._linear = _linear_weights(linear_url, is_alex)

    def distances(self, originals: Rgb, others: Rgb) -> NDArray[np.float64]:
        """Of each image and the other one; the same whatever other images there are.

        Args:
            originals: uint8 `(N, H, W, 3)`; edges of 32 pixels at least, 64 in the paper.
            others: the same shape.

        Returns:
            float64 `(N,)`, 0 for equal images.

        Raises:
            ValueError: the shapes differ.
        """
        if originals.shape != others.shape:
            raise ValueError(f"cannot compare {originals.shape} with {others.shape}")
        with pinned_kernels(), torch.inference_mode():
            found = [self._of(one, other) for one, other in zip(originals, others, strict=True)]
        return np.array(found, np.float64)

    def _of(self, one: Rgb, other: Rgb) -> float:
        total = 0.0
        pairs = zip(self._activations(one), self._activations(other), self._linear, strict=True)
        for one_BCHW, other_BCHW, weight_C in pairs:
            squares_BCHW = (_unit(one_BCHW) - _unit(other_BCHW)) ** 2
            total += float(torch.einsum("bchw,c->bhw", squares_BCHW, weight_C).mean())
        return total

    def _activations(self, image: Rgb) -> Iterator[Tensor]:
        x_BCHW = _scaled(image)
        start = 0
        for end in self._taps:
            x_BCHW = self._layers[start:end](x_BCHW)
            yield x_BCHW
            start = end


def load_lpips(name: str) -> Lpips:
    """Load LPIPS.

    Args:
        name: `lpips@NETWORK,LINEAR`: two files of weights.

    Raises:
        FeaturesError: it is not of that form; or as of `Lpips`.
    """
    url, comma, linear_url = name.removeprefix(_PREFIX).partition(",")
    if not name.startswith(_PREFIX) or not (url and comma and linear_url):
        raise FeaturesError(f"{name!r} is no LPIPS; it is named as `{_PREFIX}vgg16.pth,vgg.pth`")
    return Lpips(url, linear_url)


def vgg16() -> nn.Sequential:
    """The convolutions of torchvision's VGG16 up to the last that LPIPS reads, random weights."""
    layers: list[nn.Module] = []
    channels = 3
    for width in _VGG_WIDTHS:
        if not width:
            layers.append(nn.MaxPool2d(2, 2))
            continue
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers)


def alexnet() -> nn.Sequential:
    """The convolutions of torchvision's AlexNet, with random weights."""
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    )


def _linear_weights(url: str, is_alex: bool) -> list[Tensor]:
    tensors = read_weights(url)
    widths = (64, 192, 384, 256, 256) if is_alex else (64, 128, 256, 512, 512)
    found = [tensors.get(f"lin{n}.model.1.weight", torch.empty(0)) for n in range(len(widths))]
    if [tuple(weight.shape) for weight in found] != [(1, width, 1, 1) for width in widths]:
        raise FeaturesError(
            f"{url} does not hold the linear weights of LPIPS for {'AlexNet' if is_alex else 'VGG'}"
        )
    return [weight.reshape(-1).float() for weight in found]


def _scaled(image: Rgb) -> Tensor:
    pixels = image.astype(np.float32) / np.float32(127.5) - 1
    scaled = (pixels - np.array(_SHIFT, np.float32)) / np.array(_SCALE, np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)[None]))


def _unit(x_BCHW: Tensor) -> Tensor:
    return x_BCHW / (x_BCHW.square().sum(dim=1, keepdim=True).sqrt() + _EPS)
