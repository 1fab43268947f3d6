"""A trained VQ-VAE of patches as a codec: its interface is uint8 images and codes, not tensors."""

from collections.abc import Iterator
from functools import cached_property
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dalle_model.checkpoint import load_checkpoint, load_into
from dalle_model.pixels import Codes, Floats, Rgb
from dalle_model.tokenizers.codec import CodecFacts, check_codes, check_images, with_facts
from dalle_model.tokenizers.devices import dtype_name, low_precision
from dalle_model.tokenizers.facts import vq_facts
from dalle_model.tokenizers.vq import Vq
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.tokenizers.vqgan_codec import to_input, to_rgb

# Shape letters: B batch, G G rows and columns of tokens, E channels of a vector, K codes,
# R = B * G * G positions.

_ROWS = 1024  # of logits at once; chosen: 4 MB of them, with 1,024 codes, stay in a core's cache


class VqCodec:
    """A `dalle_model.tokenizers.codec.Codec`, with what `abilities` names.

    Args:
        model: the VQ-VAE; switched to evaluation mode, without gradients.
        facts: what its codes are.
        dtype: of the encoder's trunk, float32 or bfloat16; the linear map, the search of the
            codebook and the decoder are in float32.
    """

    def __init__(self, model: Vq, facts: CodecFacts, dtype: torch.dtype = torch.float32) -> None:
        self.model = model.eval().requires_grad_(requires_grad=False)
        self.facts = facts
        self._dtype, self.precision = dtype, dtype_name(dtype)

    @classmethod
    def load(cls, url: str) -> Self:
        """Load a checkpoint of kind `vq`; half-precision weights are converted to float32.

        Raises:
            CheckpointError: missing, corrupt, of another kind or architecture.
        """
        checkpoint = load_checkpoint(url, "vq")
        facts = vq_facts(url, checkpoint.sha256, checkpoint.config, checkpoint.extra)
        model = Vq(VqConfig.from_dict(checkpoint.config))
        load_into(model, checkpoint, {k: v.float() for k, v in checkpoint.tensors.items()})
        return cls(model, facts)

    def encode(self, images: Rgb) -> Codes:
        """Codes as of the protocol; raises ValueError where images have another dtype or shape."""
        rows = [logits_RK.argmax(axis=1) for logits_RK in self._logits(images)]
        return self._codes(rows)

    def encode_with_margins(self, images: Rgb) -> tuple[Codes, Floats]:
        """The same codes, and float32 `(B, num_tokens)`: best minus second-best logit, 0 or more.

        It is half the difference of the squared distances to the two nearest vectors.
        """
        rows, margins = [], []
        for logits_RK in self._logits(images):
            rows.append(logits_RK.argmax(axis=1))
            best_R2 = np.partition(logits_RK, -2, axis=1)[:, -2:]
            margins.append(best_R2[:, 1] - best_R2[:, 0])
        return self._codes(rows), np.concatenate(margins).reshape(-1, self.facts.num_tokens)

    def with_shape(self, image_shape: tuple[int, int]) -> Self:
        """The same codec of images of another shape, in whole patches; else raises ValueError."""
        return with_facts(self, self.facts.of_shape(image_shape))

    def in_fast_form(self) -> Self:
        """The same codec; its trunk is in bfloat16 where the processor multiplies in it."""
        return with_facts(self._fast, self.facts)

    @cached_property
    def _fast(self) -> Self:
        return type(self)(self.model, self.facts, low_precision())

    def _logits(self, images: Rgb) -> Iterator[Floats]:
        """A tile of positions after the other."""
        check_images(self.facts, images)
        is_mixed = self._dtype == torch.bfloat16
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=is_mixed):
            z_BEGG: Tensor = self.model.encoder(to_input(images))
        z_RE = z_BEGG.permute(0, 2, 3, 1).flatten(0, 2)
        for first in range(0, len(z_RE), _ROWS):
            yield self.model.logits(z_RE[first : first + _ROWS]).numpy()

    def _codes(self, rows: list[NDArray[np.int64]]) -> Codes:
        codes = np.concatenate(rows).reshape(-1, self.facts.num_tokens)
        return codes.astype(self.facts.dtype)

    @torch.inference_mode()
    def decode(self, codes: Codes) -> Rgb:
        """Images as of the protocol; raises ValueError where codes have another shape or range."""
        check_codes(self.facts, codes)
        codes_BGG = torch.from_numpy(codes.astype(np.int64)).view(-1, *self.facts.token_shape)
        return to_rgb(self.model.decode(codes_BGG))
