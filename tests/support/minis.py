"""Small DALL·E minis for tests."""

from typing import Any

import torch

from dalle_model.mini.config import MiniConfig
from dalle_model.mini.model import Mini

# Of `tests.support.priors.tiny_tokenizer`, and of the codes of `tests.support.token_shards`.
TINY = MiniConfig(
    text_vocab=301, text_len=10, text_pad=300, image_vocab=16, num_codes=16, start=16, grid=3,
    width=32, encoder_layers=1, decoder_layers=2, heads=2, ffn=32,
)  # fmt: skip


def random_mini(config: MiniConfig = TINY, seed: int = 0) -> Mini:
    """A mini whose predictions depend on what it reads, since its weights are large."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = Mini(config).eval()
        with torch.no_grad():
            for weight in model.parameters():
                weight.normal_(std=0.3)
    return model
