"""Small codecs with random weights, for tests that need codes but no images worth seeing."""

import warnings
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from dalle_model.checkpoint import save_checkpoint
from dalle_model.config import DvaeConfig
from dalle_model.pixels import Codes, Rgb
from dalle_model.tokenizers.codec import Codec
from dalle_model.tokenizers.dvae import Dvae
from dalle_model.tokenizers.vq import Vq
from dalle_model.tokenizers.vq_config import VqConfig

TINY_VQ = VqConfig(32, 4, width=8, encoder_blocks=1, decoder_blocks=1, image_shape=(16, 16))
TINY = DvaeConfig(side=16, num_codes=32, hidden=8, bottleneck=8, blocks_per_group=1)


def write_codec(url: str, config: DvaeConfig = TINY, seed: int = 0) -> str:
    """Write a dVAE of random weights as a checkpoint; returns its sha256."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Dvae(config)
    return save_checkpoint(url, "dvae", model.state_dict(), config.to_dict())


def random_vq(config: VqConfig = TINY_VQ, seed: int = 0) -> Vq:
    """A VQ-VAE of random weights, whose trunks take part."""
    model = Vq(config)
    shapes = {name: tuple(values.shape) for name, values in model.state_dict().items()}
    model.load_state_dict(filled(shapes, seed))
    return model


def write_vq(url: str, config: VqConfig = TINY_VQ, seed: int = 0) -> str:
    """Write such a VQ-VAE as a checkpoint; returns its sha256."""
    return save_checkpoint(url, "vq", random_vq(config, seed).state_dict(), config.to_dict())


def save_script(module: nn.Module, path: str) -> None:
    """Write a module as TorchScript, as exporters still do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch asks for `torch.export` instead
        torch.jit.save(torch.jit.script(module.eval()), path)


class FailingCodec:
    """A codec that fails on some images, and on more of them than its memory holds.

    Args:
        codec: that encodes all else.
        poison: images on which it raises.
        holds: how many images fit into its memory.
        error: raised where more are encoded at once.

    Attributes:
        asked: how many images came at once, of all attempts.
    """

    def __init__(
        self,
        codec: Codec,
        poison: tuple[Rgb, ...] = (),
        holds: int = 4096,
        error: Exception | None = None,
    ) -> None:
        self._codec, self._poison, self._holds = codec, poison, holds
        self._error = error or torch.OutOfMemoryError("out of memory")
        self.asked: list[int] = []

    def __getattr__(self, name: str):
        if name in {"in_fast_form", "encode_with_margins", "precision", "on_device"}:
            raise AttributeError(name)
        return getattr(self._codec, name)

    def encode(self, images: Rgb) -> Codes:
        self.asked.append(len(images))
        if len(images) > self._holds:
            raise self._error
        for image in images:
            if any(np.array_equal(image, poison) for poison in self._poison):
                raise KeyError("poison")
        return self._codec.encode(images)


def filled(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Random weights that depend on names and shapes alone, so that two programs share them.

    Weights are N(0, 1 / fan-in); vectors N(0, 0.01), around 1 where they scale a norm.
    """
    draw = np.random.default_rng(seed)
    tensors = {}
    for name, shape in sorted(shapes.items()):
        values = draw.standard_normal(shape, dtype=np.float32)
        if len(shape) > 1:
            values /= np.float32(np.sqrt(np.prod(shape[1:])))
        else:
            values = values * np.float32(0.1)
            values += np.float32("norm" in name and name.endswith("weight"))
        tensors[name] = torch.from_numpy(values)
    return tensors
