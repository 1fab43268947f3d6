"""Small codecs with random weights, for tests that need codes but no images worth seeing."""

import warnings

import torch
from torch import nn

from dalle_model.checkpoint import save_checkpoint
from dalle_model.config import DvaeConfig
from dalle_model.tokenizers.dvae import Dvae

TINY = DvaeConfig(side=16, num_codes=32, hidden=8, bottleneck=8, blocks_per_group=1, patch_width=16)


def write_codec(url: str, config: DvaeConfig = TINY, seed: int = 0) -> str:
    """Write a dVAE of random weights as a checkpoint; returns its sha256."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Dvae(config)
    return save_checkpoint(url, "dvae", model.state_dict(), config.to_dict())


def save_script(module: nn.Module, path: str) -> None:
    """Write a module as TorchScript, as exporters still do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch asks for `torch.export` instead
        torch.jit.save(torch.jit.script(module.eval()), path)
