"""Small priors and tokenizers for tests."""

import torch

from dalle_model.config import PriorConfig
from dalle_model.prior.model import Prior
from dalle_model.vocab import CaptionTokenizer, train_bpe

CAPTIONS = ["a red apple", "the blue moon", "green cactus in a pot", "yellow sunflower"]
TINY = PriorConfig(
    text_vocab=300, text_len=10, image_vocab=16, grid=3, layers=3, heads=2, head_dim=8,
    conv_kernel=3,
)  # fmt: skip


def tiny_tokenizer() -> CaptionTokenizer:
    return CaptionTokenizer(train_bpe(CAPTIONS, 300))


def random_prior(seed: int = 0) -> Prior:
    """A tiny prior whose heads are not zero, so that its predictions depend on what it reads."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        prior = Prior(TINY).eval()
        with torch.no_grad():
            for weight in prior.parameters():
                weight.normal_(std=0.3)
    return prior


def random_stream(batch: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Text ids, the last caption positions padded, and image ids."""
    draw = torch.Generator().manual_seed(seed)
    text = torch.randint(TINY.text_vocab, (batch, TINY.text_len), generator=draw)
    text[:, 6:9] = TINY.text_vocab
    return text, torch.randint(TINY.image_vocab, (batch, TINY.grid**2), generator=draw)
