"""The network Inception v3, under the names of torchvision's weights, and its variant of 2015.

The variant is what TensorFlow's release of 2015 computes, and FID and IS by it: mean pooling counts
no padding, and the last block pools by maximum. Its last layer has 1008 classes.

Source: Szegedy et al. 2015, "Rethinking the Inception Architecture"; sizes of torchvision
`models/inception.py`; the variant of mseitzer/pytorch-fid `inception.py`.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

# Shape letters: B images, C channels, H and W height and width.

WIDTH = 2048
_BN_EPS = 0.001

Pool = Callable[[Tensor], Tensor]
_PADDED_MEAN: Pool = partial(functional.avg_pool2d, kernel_size=3, stride=1, padding=1)
_MEAN: Pool = partial(
    functional.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False
)
_MAX: Pool = partial(functional.max_pool2d, kernel_size=3, stride=1, padding=1)
_HALVE: Pool = partial(functional.max_pool2d, kernel_size=3, stride=2)


class _Layer(NamedTuple):
    """A convolution of a branch; its edges are padded where it does not halve the image."""

    name: str
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1


# A branch is a chain of layers; layers in a tuple of their own see the same input.
_Branch = tuple[_Layer | tuple[_Layer, _Layer], ...]


class Inception(nn.Module):
    """Images to the features before the last layer.

    Args:
        num_classes: outputs of the last layer, `fc`.
        is_of_2015: whether it pools as the variant does.
    """

    def __init__(self, num_classes: int, is_of_2015: bool) -> None:
        super().__init__()
        mean, last = (_MEAN, _MAX) if is_of_2015 else (_PADDED_MEAN, _PADDED_MEAN)
        self.Conv2d_1a_3x3 = _Conv(3, 32, (3, 3), 2, (0, 0))
        self.Conv2d_2a_3x3 = _Conv(32, 32, (3, 3), 1, (0, 0))
        self.Conv2d_2b_3x3 = _Conv(32, 64, (3, 3), 1, (1, 1))
        self.Conv2d_3b_1x1 = _Conv(64, 80, (1, 1), 1, (0, 0))
        self.Conv2d_4a_3x3 = _Conv(80, 192, (3, 3), 1, (0, 0))
        self.Mixed_5b = _Mixed(192, _small(), mean, 32)
        self.Mixed_5c = _Mixed(256, _small(), mean, 64)
        self.Mixed_5d = _Mixed(288, _small(), mean, 64)
        self.Mixed_6a = _Mixed(288, _first_halving(), _HALVE)
        self.Mixed_6b = _Mixed(768, _crossed(128), mean, 192)
        self.Mixed_6c = _Mixed(768, _crossed(160), mean, 192)
        self.Mixed_6d = _Mixed(768, _crossed(160), mean, 192)
        self.Mixed_6e = _Mixed(768, _crossed(192), mean, 192)
        self.Mixed_7a = _Mixed(768, _second_halving(), _HALVE)
        self.Mixed_7b = _Mixed(1280, _forked(), mean, 192)
        self.Mixed_7c = _Mixed(2048, _forked(), last, 192)
        self.fc = nn.Linear(WIDTH, num_classes)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Features `(B, 2048)` of images `(B, 3, 299, 299)` in about -1..1."""
        x_BCHW = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x_BCHW)))
        x_BCHW = _HALVE(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(_HALVE(x_BCHW))))
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                x_BCHW = block(x_BCHW)
        return x_BCHW.mean(dim=(2, 3))


class _Conv(nn.Module):
    def __init__(
        self,
        channels: int,
        out: int,
        kernel: tuple[int, int],
        stride: int,
        padding: tuple[int, int],
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=_BN_EPS)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x_BCHW)))


class _Mixed(nn.Module):
    """Branches side by side, the last of which pools and, if it has a width, projects."""

    def __init__(
        self, channels: int, branches: tuple[_Branch, ...], pool: Pool, pooled: int = 0
    ) -> None:
        super().__init__()
        self._branches, self._pool = branches, pool
        for branch in branches:
            width = channels
            for step in branch:
                for layer in _side_by_side(step):
                    self.add_module(layer.name, _conv(width, layer))
                width = _side_by_side(step)[0].channels
        self.branch_pool = _conv(channels, _Layer("", pooled)) if pooled else nn.Identity()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        found = [self._chained(branch, x_BCHW) for branch in self._branches]
        return torch.cat([*found, self.branch_pool(self._pool(x_BCHW))], dim=1)

    def _chained(self, branch: _Branch, x_BCHW: Tensor) -> Tensor:
        for step in branch:
            found = [self.get_submodule(layer.name)(x_BCHW) for layer in _side_by_side(step)]
            x_BCHW = torch.cat(found, dim=1)
        return x_BCHW


def _side_by_side(step: _Layer | tuple[_Layer, _Layer]) -> tuple[_Layer, ...]:
    return (step,) if isinstance(step, _Layer) else step


def _conv(channels: int, layer: _Layer) -> _Conv:
    down, across = layer.kernel if layer.stride == 1 else (1, 1)
    padding = (down // 2, across // 2)
    return _Conv(channels, layer.channels, layer.kernel, layer.stride, padding)


def _small() -> tuple[_Branch, ...]:
    return (
        (_Layer("branch1x1", 64),),
        (_Layer("branch5x5_1", 48), _Layer("branch5x5_2", 64, (5, 5))),
        (
            _Layer("branch3x3dbl_1", 64),
            _Layer("branch3x3dbl_2", 96, (3, 3)),
            _Layer("branch3x3dbl_3", 96, (3, 3)),
        ),
    )


def _first_halving() -> tuple[_Branch, ...]:
    return (
        (_Layer("branch3x3", 384, (3, 3), 2),),
        (
            _Layer("branch3x3dbl_1", 64),
            _Layer("branch3x3dbl_2", 96, (3, 3)),
            _Layer("branch3x3dbl_3", 96, (3, 3), 2),
        ),
    )


def _crossed(width: int) -> tuple[_Branch, ...]:
    return (
        (_Layer("branch1x1", 192),),
        (
            _Layer("branch7x7_1", width),
            _Layer("branch7x7_2", width, (1, 7)),
            _Layer("branch7x7_3", 192, (7, 1)),
        ),
        (
            _Layer("branch7x7dbl_1", width),
            _Layer("branch7x7dbl_2", width, (7, 1)),
            _Layer("branch7x7dbl_3", width, (1, 7)),
            _Layer("branch7x7dbl_4", width, (7, 1)),
            _Layer("branch7x7dbl_5", 192, (1, 7)),
        ),
    )


def _second_halving() -> tuple[_Branch, ...]:
    return (
        (_Layer("branch3x3_1", 192), _Layer("branch3x3_2", 320, (3, 3), 2)),
        (
            _Layer("branch7x7x3_1", 192),
            _Layer("branch7x7x3_2", 192, (1, 7)),
            _Layer("branch7x7x3_3", 192, (7, 1)),
            _Layer("branch7x7x3_4", 192, (3, 3), 2),
        ),
    )


def _forked() -> tuple[_Branch, ...]:
    wide, tall = (1, 3), (3, 1)
    return (
        (_Layer("branch1x1", 320),),
        (
            _Layer("branch3x3_1", 384),
            (_Layer("branch3x3_2a", 384, wide), _Layer("branch3x3_2b", 384, tall)),
        ),
        (
            _Layer("branch3x3dbl_1", 448),
            _Layer("branch3x3dbl_2", 384, (3, 3)),
            (_Layer("branch3x3dbl_3a", 384, wide), _Layer("branch3x3dbl_3b", 384, tall)),
        ),
    )
