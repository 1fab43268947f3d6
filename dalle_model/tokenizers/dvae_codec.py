"""A trained dVAE as a codec: its interface is uint8 images and uint16 codes, not tensors."""

from functools import cached_property
from typing import Protocol, Self

import numpy as np
import torch

from dalle_model.checkpoint import load_checkpoint, load_into
from dalle_model.config import DvaeConfig
from dalle_model.pixels import Codes, Floats, Rgb
from dalle_model.tokenizers.codec import CodecFacts, check_codes, check_images, with_facts
from dalle_model.tokenizers.devices import dtype_name
from dalle_model.tokenizers.dvae import Dvae, to_rgb
from dalle_model.tokenizers.dvae_encoding import Best, DvaeEncoding
from dalle_model.tokenizers.dvae_gpu import EncodingOnGpu
from dalle_model.tokenizers.facts import dvae_facts

# Shape letters: B batch, C colour channels (3), S S height and width in pixels, G G rows and
# columns of tokens.


class Encoding(Protocol):
    """What finds the best codes of images, on some device.

    Attributes:
        dtype: of the convolutions.
    """

    dtype: torch.dtype

    def best(self, images: Rgb, *, with_margins: bool = False) -> Best:
        """The best codes of RGB uint8 `(B, S, S, 3)`, in raster order."""
        ...

    def images_at_once(self, image_shape: tuple[int, int]) -> int:
        """How many images of a height and width, in pixels, go through the convolutions at once."""
        ...

    def in_fast_form(self) -> "Encoding":
        """The same in the form that is fastest there; near-ties may have other codes."""
        ...


class DvaeCodec:
    """A `dalle_model.tokenizers.codec.Codec`, with what `abilities` names.

    Args:
        model: the dVAE; switched to evaluation mode, without gradients, channels last.
        facts: what its codes are.
        encoding: of the model's encoder; by default the exact one, on the processor. The decoder is
            there in any case, in float32.
    """

    def __init__(self, model: Dvae, facts: CodecFacts, encoding: Encoding | None = None) -> None:
        self.model = model.eval().requires_grad_(requires_grad=False)
        model.encoder.blocks.to(memory_format=torch.channels_last)
        self._encoding = encoding or DvaeEncoding(model.encoder)
        self.precision = dtype_name(self._encoding.dtype)
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
        return self._codes(self._best(images))

    def encode_with_margins(self, images: Rgb) -> tuple[Codes, Floats]:
        """The same codes, and float32 `(B, num_tokens)`: best minus second-best logit, 0 or more.

        Raises:
            ValueError: as `encode`.
        """
        best = self._best(images, with_margins=True)
        assert best.margins is not None
        return self._codes(best), best.margins.reshape(-1, self.facts.num_tokens)

    def in_fast_form(self) -> Self:
        """The same codec; its encoder is in bfloat16 where the device multiplies in it."""
        return with_facts(self._fast, self.facts)

    def on_device(self, device: str) -> Self:
        """The same codec, whose encoder is on a device; its decoder stays on the processor."""
        there = EncodingOnGpu(self.model.encoder, torch.device(device))
        return type(self)(self.model, self.facts, there)

    @cached_property
    def _fast(self) -> Self:  # asked for by each shard; its weights are copies
        return type(self)(self.model, self.facts, self._encoding.in_fast_form())

    def with_shape(self, image_shape: tuple[int, int]) -> Self:
        """The same codec of images of another shape, each edge a multiple of 8 px.

        Raises:
            ValueError: an edge is none.
        """
        return with_facts(self, self.facts.of_shape(image_shape))

    @property
    def images_at_once(self) -> int:
        """How many images go through its encoder at once: one of 256 px at the paper's size.

        On a graphics card all of them.
        """
        return self._encoding.images_at_once(self.facts.image_shape)

    def _best(self, images: Rgb, *, with_margins: bool = False) -> Best:
        check_images(self.facts, images)
        return self._encoding.best(images, with_margins=with_margins)

    def _codes(self, best: Best) -> Codes:
        return best.codes.reshape(-1, self.facts.num_tokens).astype(self.facts.dtype)

    def decode(self, codes: Codes) -> Rgb:
        """RGB uint8 `(B, height, width, 3)` of codes `(B, num_tokens)`.

        Raises:
            ValueError: the codes have the wrong shape, or one is not below `num_codes`.
        """
        check_codes(self.facts, codes)
        codes_BGG = torch.from_numpy(codes.astype(np.int64)).view(-1, *self.facts.token_shape)
        return to_rgb(self.model.decode(codes_BGG))
