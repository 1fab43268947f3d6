"""A trained dVAE as a codec: its interface is uint8 images and uint16 codes, not tensors."""

from typing import Self

import numpy as np
import torch
from torch import Tensor

from dalle_model.checkpoint import load_checkpoint, load_into
from dalle_model.config import DvaeConfig
from dalle_model.pixels import Codes, Floats, Rgb, map_pixels, unmap_pixels
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.tokenizers.dvae import Dvae
from dalle_model.tokenizers.facts import dvae_facts

# Shape letters: B batch, C colour channels (3), S side in pixels, G grid side.


class DvaeCodec:
    """A `dalle_model.tokenizers.codec.Codec`.

    Args:
        model: the dVAE; switched to evaluation mode, without gradients.
        facts: what its codes are.
    """

    def __init__(self, model: Dvae, facts: CodecFacts) -> None:
        self.model = model.eval().requires_grad_(requires_grad=False)
        self.facts = facts

    @classmethod
    def load(cls, url: str) -> Self:
        """Load a checkpoint of kind `dvae`; half-precision weights are converted to float32.

        Raises:
            CheckpointError: missing, corrupt, of another kind or architecture.
        """
        checkpoint = load_checkpoint(url, "dvae")
        facts = dvae_facts(url, checkpoint.sha256, checkpoint.config, checkpoint.extra)
        model = Dvae(DvaeConfig.from_dict(checkpoint.config))
        load_into(model, checkpoint, {k: v.float() for k, v in checkpoint.tensors.items()})
        return cls(model, facts)

    def encode(self, images: Rgb) -> Codes:
        """Codes uint16 `(B, num_tokens)`, raster order, of RGB uint8 `(B, height, width, 3)`.

        Raises:
            ValueError: the images have the wrong dtype or shape.
        """
        height, width = self.facts.image_shape
        if images.dtype != np.uint8 or images.shape[1:] != (height, width, 3):
            raise ValueError(
                f"got {images.dtype} {images.shape}, expected uint8 (B, {height}, {width}, 3)"
            )
        codes_BGG = self.model.encode(to_input(images))
        return codes_BGG.flatten(1).numpy().astype(np.uint16)

    def decode(self, codes: Codes) -> Rgb:
        """RGB uint8 `(B, height, width, 3)` of codes `(B, num_tokens)`.

        Raises:
            ValueError: the codes have the wrong shape, or one is not below `num_codes`.
        """
        tokens, num_codes = self.facts.num_tokens, self.facts.num_codes
        if codes.ndim != 2 or codes.shape[1] != tokens:
            raise ValueError(f"got codes of shape {codes.shape}, expected (B, {tokens})")
        if codes.size and int(codes.max()) >= num_codes:
            raise ValueError(f"code {int(codes.max())} is not below {num_codes}")
        codes_BGG = torch.from_numpy(codes.astype(np.int64)).view(-1, *self.facts.token_shape)
        return to_rgb(self.model.decode(codes_BGG))


def to_input(images: Rgb) -> Tensor:
    """Mapped pixels float32 `(B, 3, S, S)` of RGB uint8 `(B, S, S, 3)`."""
    mapped: Floats = map_pixels(images.astype(np.float32) / np.float32(255))
    return torch.from_numpy(np.ascontiguousarray(mapped.transpose(0, 3, 1, 2)))


def to_rgb(mapped_BCSS: Tensor) -> Rgb:
    """RGB uint8 `(B, S, S, 3)` of mapped pixels `(B, 3, S, S)`."""
    unmapped = unmap_pixels(mapped_BCSS.numpy().transpose(0, 2, 3, 1))
    return np.asarray(np.rint(unmapped * 255), np.uint8)
