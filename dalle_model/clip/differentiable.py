"""The image side of a CLIP as a function that gradients pass through, for what optimises pixels.

`ClipScorer` reads 8-bit images by Pillow, one at a time; this takes tensors, batches of them.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from dalle_model.clip.clip_scorer import ClipScorer
from dalle_model.clip.scorer import Scorer, ScorerError

# Shape letters: B batch, C colour channels (3), Z edge of what the model sees, E values of a
# vector.


@dataclass(frozen=True)
class ImageTower:
    """From pixels to vectors.

    Args:
        model: a CLIP of open_clip, without gradients of its weights.
        side: edge of the squares that it sees, in pixels.
        mean: of the colours that it was trained on, `(3, 1, 1)`.
        std: likewise.
    """

    model: Any
    side: int
    mean: Tensor
    std: Tensor

    def vectors(self, pixels_BCZZ: Tensor) -> Tensor:
        """Vectors float32 `(B, E)`, of length 1, of pixels in [0, 1]; gradients pass."""
        inputs_BCZZ = (pixels_BCZZ - self.mean) / self.std
        vectors_BE: Tensor = self.model.encode_image(inputs_BCZZ, normalize=True)
        return vectors_BE


def image_tower(scorer: Scorer, name: str, device: torch.device) -> ImageTower:
    """The image side of a scorer.

    Args:
        scorer: of `load_scorer`.
        name: by which it was loaded, for messages.
        device: of a copy of the model.

    Raises:
        ScorerError: it is none of open_clip.
    """
    if not isinstance(scorer, ClipScorer):
        raise ScorerError(
            f"no gradient passes through the scorer {name}, which another package adds; take "
            "`demo`, the URL of a checkpoint of `dalle train clip`, or ARCHITECTURE@URL"
        )
    black_CZZ, white_CZZ = (scorer.transform(_plain(value)).to(device) for value in (0, 255))
    std_C11 = 1 / (white_CZZ - black_CZZ)[:, :1, :1]
    model = deepcopy(scorer.model).to(device).requires_grad_(requires_grad=False)
    return ImageTower(model, black_CZZ.shape[1], -black_CZZ[:, :1, :1] * std_C11, std_C11)


def _plain(value: int) -> Image.Image:
    """An image of one colour, by which a preprocessing tells what it makes of colours."""
    return Image.new("RGB", (8, 8), (value, value, value))
