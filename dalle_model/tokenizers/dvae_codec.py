"""A trained dVAE as a codec: its interface is uint8 images and uint16 codes, not tensors."""

import posixpath
from typing import Self

import numpy as np
import torch
from torch import Tensor

from dalle_model.checkpoint import Checkpoint, CheckpointError, load_checkpoint, load_into
from dalle_model.config import FIRST_RESAMPLE, LOGIT_LAPLACE_EPS, DvaeConfig, Resample
from dalle_model.pixels import Codes, Floats, Rgb, map_pixels, unmap_pixels
from dalle_model.tokenizers.codec import trained_resample
from dalle_model.tokenizers.dvae import Dvae

# Shape letters: B batch, C colour channels (3), S side in pixels, G grid side.


class DvaeCodec:
    """A `dalle_model.tokenizers.codec.Codec`.

    Args:
        model: the dVAE; switched to evaluation mode, without gradients.
        name: as recorded in shards.
        sha256: of its weights file.
        resample: the filter that scaled the images of its training.
    """

    pixel_range = (LOGIT_LAPLACE_EPS, 1 - LOGIT_LAPLACE_EPS)

    def __init__(
        self, model: Dvae, name: str, sha256: str, resample: Resample = FIRST_RESAMPLE
    ) -> None:
        self.model = model.eval().requires_grad_(requires_grad=False)
        self.name, self.sha256, self.resample = name, sha256, resample
        config = model.config
        self.side, self.grid, self.num_codes = config.side, config.grid, config.num_codes

    @classmethod
    def load(cls, url: str) -> Self:
        """Load a checkpoint of kind `dvae`; half-precision weights are converted to float32.

        Raises:
            CheckpointError: missing, corrupt, of another kind or architecture.
        """
        checkpoint = load_checkpoint(url, "dvae")
        config, resample = _described(checkpoint)
        model = Dvae(config)
        load_into(model, checkpoint, {k: v.float() for k, v in checkpoint.tensors.items()})
        name = posixpath.basename(url).removesuffix(".safetensors")
        return cls(model, name, checkpoint.sha256, resample)

    def encode(self, images: Rgb) -> Codes:
        """Codes uint16 `(B, grid * grid)`, raster order, of RGB uint8 `(B, side, side, 3)`.

        Raises:
            ValueError: the images have the wrong dtype or shape.
        """
        if images.dtype != np.uint8 or images.shape[1:] != (self.side, self.side, 3):
            raise ValueError(
                f"got {images.dtype} {images.shape}, "
                f"expected uint8 (B, {self.side}, {self.side}, 3)"
            )
        codes_BGG = self.model.encode(to_input(images))
        return codes_BGG.flatten(1).numpy().astype(np.uint16)

    def decode(self, codes: Codes) -> Rgb:
        """RGB uint8 `(B, side, side, 3)` of codes `(B, grid * grid)`.

        Raises:
            ValueError: the codes have the wrong shape, or one is not below `num_codes`.
        """
        if codes.ndim != 2 or codes.shape[1] != self.grid**2:
            raise ValueError(f"got codes of shape {codes.shape}, expected (B, {self.grid**2})")
        if codes.size and int(codes.max()) >= self.num_codes:
            raise ValueError(f"code {int(codes.max())} is not below {self.num_codes}")
        codes_BGG = torch.from_numpy(codes.astype(np.int64)).view(-1, self.grid, self.grid)
        return to_rgb(self.model.decode(codes_BGG))


def to_input(images: Rgb) -> Tensor:
    """Mapped pixels float32 `(B, 3, S, S)` of RGB uint8 `(B, S, S, 3)`."""
    mapped: Floats = map_pixels(images.astype(np.float32) / np.float32(255))
    return torch.from_numpy(np.ascontiguousarray(mapped.transpose(0, 3, 1, 2)))


def to_rgb(mapped_BCSS: Tensor) -> Rgb:
    """RGB uint8 `(B, S, S, 3)` of mapped pixels `(B, 3, S, S)`."""
    unmapped = unmap_pixels(mapped_BCSS.numpy().transpose(0, 2, 3, 1))
    return np.asarray(np.rint(unmapped * 255), np.uint8)


def _described(checkpoint: Checkpoint) -> tuple[DvaeConfig, Resample]:
    try:
        return DvaeConfig.from_dict(checkpoint.config), trained_resample(checkpoint.extra)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{checkpoint.url} has the config of another program version: {error}; "
            "`dalle train dvae` makes a new checkpoint"
        ) from error
