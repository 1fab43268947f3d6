"""What the scorer sees of a picture: squares cut out of it at random, scaled and distorted.

One look at a whole picture is easily deceived; what deceives many parts of it, each turned and
recoloured in another way, rather looks like what is asked for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional

# Shape letters: N cut-outs, C colour channels (3), S S height and width of a picture in pixels, Z
# edge of what the scorer sees.

# The least cut-out, where the picture is no larger than what the scorer sees: else all cut-outs
# would be the whole picture. Source: the notebook Aleph-Image, which clips sizes at this share.
_LEAST_SHARE = 0.5
_NOISE = 0.1  # most of the standard deviation. Source: nerdyrodent/VQGAN-CLIP, `noise_fac`

Augment = Callable[[Tensor], Tensor]


def cut_out(
    image_CSS: Tensor, number: int, side: int, generator: torch.Generator, augment: Augment | None
) -> Tensor:
    """Squares of random sizes and places, as a scorer takes them.

    Source: sizes and places are those of Crowson's notebooks, `MakeCutouts` with `cut_pow` 1; the
    cubic filter is that of CLIP's own preprocessing, where the notebooks have Lanczos'.

    Args:
        image_CSS: float32, in [0, 1].
        number: of squares.
        side: to which each is scaled, Z.
        generator: of all draws, on the processor.
        augment: what is done to each of them, `(3, Z, Z)`; None for nothing, and no noise.

    Returns:
        float32 `(N, 3, Z, Z)`, about in [0, 1].
    """
    cuts = []
    for left, top, edge in boxes(image_CSS.shape[1:], number, side, generator):
        part_CSS = image_CSS[None, :, top : top + edge, left : left + edge]
        cuts.append(_scaled(part_CSS, side)[0])
    if augment is None:
        return torch.stack(cuts)
    with _drawing_from(generator):
        return _noisy(torch.stack([augment(cut) for cut in cuts]))


def boxes(
    shape: torch.Size, number: int, side: int, generator: torch.Generator
) -> Iterator[tuple[int, int, int]]:
    """Left, top and edge of each square, in pixels.

    Args:
        shape: height and width of the picture.
        number: of squares.
        side: what they are scaled to, below which they are not cut out of a large picture.
        generator: of the draws.
    """
    height, width = shape
    short = min(height, width)
    least = min(side, max(1, round(short * _LEAST_SHARE)))
    for size, x, y in torch.rand(number, 3, generator=generator).tolist():
        edge = least + int(size * (short - least + 1))
        yield int(x * (width - edge + 1)), int(y * (height - edge + 1)), edge


def augmentation(*, mirrors: bool) -> Augment:
    """The distortions of a cut-out, drawn by the generator of torch that is in force.

    Source: nerdyrodent/VQGAN-CLIP `generate.py`, the cut-outs `latest`, which have kornia's. What
    is turned in from outside is grey here, where kornia's zeros are black.
    """
    # Of `transforms.v2`, hues let no gradient pass.
    from torchvision import transforms as t

    linear = t.InterpolationMode.BILINEAR
    moved = t.RandomAffine(15, (0.1, 0.1), shear=5, interpolation=linear, fill=_GREY)
    steps = [
        *([t.RandomHorizontalFlip(0.5)] if mirrors else []),
        t.RandomApply([moved], 0.7),
        t.RandomPerspective(0.7, 0.7, interpolation=linear, fill=_GREY),
        t.RandomApply([t.ColorJitter(0.1, 0.1, 0.1, 0.1)], 0.7),
        t.RandomErasing(0.7, (0.1, 0.4), (0.3, 3.33), value=_GREY),
    ]
    distort: Augment = t.Compose(steps)
    return distort


_GREY = 0.5


def _scaled(part_NCSS: Tensor, side: int) -> Tensor:
    return functional.interpolate(
        part_NCSS, (side, side), mode="bicubic", align_corners=False, antialias=True
    )


def _noisy(cuts_NCZZ: Tensor) -> Tensor:
    """With normal noise, of each cut-out as strong as is drawn for it."""
    noise_NCZZ = torch.randn(cuts_NCZZ.shape) * torch.rand(len(cuts_NCZZ), 1, 1, 1) * _NOISE
    return cuts_NCZZ + noise_NCZZ.to(cuts_NCZZ.device)


@contextmanager
def _drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Let what draws from torch's own generator, as torchvision does, draw from this one."""
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(generator.get_state())
        yield
        generator.set_state(torch.get_rng_state())
