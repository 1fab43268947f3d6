"""A trained VQGAN as a codec: its interface is uint8 images and codes, not tensors."""

import sys
from copy import deepcopy
from functools import cached_property
from typing import Self

import numpy as np
import torch
from torch import Tensor

from dalle_model.checkpoint import load_checkpoint, load_into
from dalle_model.pixels import Codes, Rgb
from dalle_model.tokenizers.chunks import images_at_once
from dalle_model.tokenizers.codec import (
    CodecError,
    CodecFacts,
    check_codes,
    check_images,
    with_facts,
)
from dalle_model.tokenizers.devices import PROCESSOR, dtype_name, low_precision
from dalle_model.tokenizers.facts import vqgan_facts
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_config import VQGAN_RANGE, VqganConfig

# Shape letters: B batch, C colour channels (3), S S height and width in pixels, G G rows and
# columns of tokens.


class VqganCodec:
    """A `dalle_model.tokenizers.codec.Codec`.

    Args:
        model: the VQGAN; switched to evaluation mode, without gradients.
        facts: what its codes are.
        device: of the model.
        dtype: in which the encoder multiplies; the codebook is searched in float32.
    """

    def __init__(
        self,
        model: Vqgan,
        facts: CodecFacts,
        device: torch.device = PROCESSOR,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.model = model.eval().requires_grad_(requires_grad=False)
        self.facts = facts
        self.precision = dtype_name(dtype)
        self._device, self._dtype = device, dtype

    @classmethod
    def load(cls, url: str) -> Self:
        """Load a checkpoint of kind `vqgan`; half-precision weights are converted to float32.

        Raises:
            CheckpointError: missing, corrupt, of another kind or architecture.
        """
        checkpoint = load_checkpoint(url, "vqgan")
        facts = vqgan_facts(url, checkpoint.sha256, checkpoint.config, checkpoint.extra)
        model = Vqgan(VqganConfig.from_dict(checkpoint.config))
        load_into(model, checkpoint, {k: v.float() for k, v in checkpoint.tensors.items()})
        return cls(model, facts)

    def encode(self, images: Rgb) -> Codes:
        """Codes as of the protocol; raises ValueError where images have another dtype or shape.

        Raises:
            CodecError: it has no encoder.
        """
        check_images(self.facts, images)
        if not self.model.config.has_encoder:
            raise CodecError(
                f"codec {self.facts.name} only decodes: min-dalle's detoker.pt has no encoder; "
                "`dalle convert` of dalle-mini's VQGAN, a flax_model.msgpack, makes one that has"
            )
        pixels_BCSS = to_input(images, self.facts.pixel_range)
        parts = torch.split(pixels_BCSS.to(self._device), self.images_at_once)
        codes_BGG = torch.cat([self._codes(part) for part in parts])
        return codes_BGG.flatten(1).cpu().numpy().astype(self.facts.dtype)

    def _codes(self, x_BCSS: Tensor) -> Tensor:
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            features_BEGG = self.model.features(x_BCSS)
        return self.model.quantize.codes(features_BEGG.float())

    def on_device(self, device: str) -> Self:
        """The same codec on a device."""
        there = torch.device(device)
        return type(self)(deepcopy(self.model).to(there), self.facts, there)

    def in_fast_form(self) -> Self:
        """The same codec; on a graphics card it multiplies in bfloat16."""
        return with_facts(self._fast, self.facts)

    @cached_property
    def _fast(self) -> Self:
        if self._device.type == "cpu":
            return self
        return type(self)(self.model, self.facts, self._device, low_precision(self._device))

    @property
    def images_at_once(self) -> int:
        """How many images go through its encoder at once: one of 256 px at the releases' sizes.

        On a graphics card all of them.
        """
        if self._device.type != "cpu":
            return sys.maxsize
        return images_at_once(self.model.config.ch, self.facts.image_shape)

    def with_shape(self, image_shape: tuple[int, int]) -> Self:
        """The same codec of images of another shape, in whole patches; else raises ValueError."""
        return with_facts(self, self.facts.of_shape(image_shape))

    def decode(self, codes: Codes) -> Rgb:
        """Images as of the protocol; raises ValueError where codes have another shape or range."""
        check_codes(self.facts, codes)
        codes_BGG = torch.from_numpy(codes.astype(np.int64)).view(-1, *self.facts.token_shape)
        return to_rgb(self.model.decode(codes_BGG.to(self._device)).cpu(), self.facts.pixel_range)


def to_input(images: Rgb, pixel_range: tuple[float, float] = VQGAN_RANGE) -> Tensor:
    """Pixels float32 `(B, 3, S, S)` in a range of RGB uint8 `(B, S, S, 3)`."""
    low, high = pixel_range
    scaled = images.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255 / (high - low))
    return torch.from_numpy(np.ascontiguousarray(scaled + np.float32(low)))


def to_rgb(pixels_BCSS: Tensor, pixel_range: tuple[float, float] = VQGAN_RANGE) -> Rgb:
    """RGB uint8 `(B, S, S, 3)` of pixels `(B, 3, S, S)`, of which a range is kept."""
    low, high = pixel_range
    unit_BSSC = (pixels_BCSS.clamp(low, high) - low).permute(0, 2, 3, 1) / (high - low)
    return np.asarray(np.rint(unit_BSSC.numpy() * 255), np.uint8)
