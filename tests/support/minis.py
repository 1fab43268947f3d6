"""Small DALL·E minis for tests."""

from dataclasses import replace
from typing import Any

import torch

from dalle_model.mini.config import MiniConfig
from dalle_model.mini.model import Mini
from dalle_model.mini.text import MiniTokenizer
from dalle_model.mini.trained import TrainedMini, save_mini
from dalle_model.prior.trained import CodesOrigin
from dalle_model.tokenizers.registry import inspect_codec
from tests.support.priors import tiny_tokenizer

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


def saved_mini(url: str, codec_sha256: str = "") -> str:
    """The URL of a checkpoint of random weights, of the demo's codec, if no other is named."""
    sizes: Any = {"image_vocab": 1024, "num_codes": 1024, "start": 1024, "grid": 8, "width": 16}
    origin = CodesOrigin(codec_sha256 or inspect_codec("demo").sha256, 8, 1024)
    tokenizer = MiniTokenizer(tiny_tokenizer().content)
    model = random_mini(replace(TINY, decoder_layers=1, **sizes))
    save_mini(url, TrainedMini(model, tokenizer, origin, {}))
    return url
