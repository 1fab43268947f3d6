"""Sampling images with cached keys and values, against a full forward pass at each step."""

import torch
from torch import Tensor

from benchmarks.measure import Row, race, size, speed
from dalle_model.config import PRIOR_PRESETS, PriorConfig
from dalle_model.prior.cache import num_slots
from dalle_model.prior.masks import layer_kinds
from dalle_model.prior.model import Prior
from dalle_model.prior.pattern import Pattern
from dalle_model.sample.sampler import draw_uniforms, pick_codes, sample

NUM_IMAGES = 2
QUARTER_PAPER = PriorConfig(  # the demo's width on a quarter of the paper's stream
    text_vocab=1024, text_len=64, image_vocab=1024, grid=16, layers=4, heads=4
)


def measure() -> list[Row]:
    """Image tokens per CPU-second."""
    torch.set_num_threads(1)
    return [_compare(PRIOR_PRESETS["demo"]), _compare(QUARTER_PAPER), _cache_size()]


def _cache_size() -> Row:
    """Of one image, its caption with it; further images of the caption do not hold it again."""
    config = PRIOR_PRESETS["paper"]
    sizes = (config.text_len, config.grid, config.conv_kernel)
    kinds = layer_kinds(config.layers)
    kept = sum(config.text_len + num_slots(Pattern(kind, *sizes)) for kind in kinds)
    bytes_a_position = 2 * config.width * 4  # a key and a value in float32
    every = config.layers * (config.text_len + config.grid**2)
    return size(
        "Cached keys and values, paper's prior",
        "bytes/image",
        "peer: those of all positions",
        kept * bytes_a_position,
        every * bytes_a_position,
    )


def _compare(config: PriorConfig) -> Row:
    torch.manual_seed(0)
    prior = Prior(config).eval()
    torch.nn.init.normal_(prior.image_head.weight, std=0.1)  # at its initial 0 all codes are equal
    text = torch.randint(config.text_vocab, (config.text_len,))
    times = race(
        lambda: sample(prior, text, NUM_IMAGES),
        lambda: sample_without_cache(prior, text, NUM_IMAGES),
    )
    cached, recomputed = (
        sample(prior, text, NUM_IMAGES),
        sample_without_cache(prior, text, NUM_IMAGES),
    )
    same = (cached == recomputed).double().mean()
    tokens = config.grid**2
    return speed(
        f"Sampling {config.text_len} + {tokens} tokens",
        "tokens",
        "peer: no cache",
        NUM_IMAGES * tokens,
        times,
        f"{same:.1%} of the tokens are the same",
    )


@torch.inference_mode()
def sample_without_cache(prior: Prior, text: Tensor, n: int) -> Tensor:
    """As `sample`, but recomputing every position so far for each token."""
    texts = text.expand(n, -1)
    codes = texts.new_empty(n, 0)
    for uniform in draw_uniforms(text[None], range(n), prior.config.grid**2, seed=0).unbind(dim=1):
        x = prior.embedding(texts, codes)
        for block in prior.blocks:
            x = block(x)
        logits = prior.image_head(prior.norm(x[:, -1]))
        code = pick_codes(logits, uniform, temperature=1.0, top_k=None)
        codes = torch.cat([codes, code[:, None]], dim=1)
    return codes
