"""A prior of random weights with the shipped codec, and a scorer whose scores are planned."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from dalle_model.config import PriorConfig
from dalle_model.pixels import Rgb
from dalle_model.prior.model import Prior
from dalle_model.prior.trained import CodesOrigin, TrainedPrior, save_prior
from dalle_model.tokenizers.registry import inspect_codec, load_codec
from orchestration.drawing.sources import Source
from tests.support.priors import tiny_tokenizer

SIZES = PriorConfig(
    text_vocab=300, text_len=20, image_vocab=1024, grid=8, layers=1, heads=1, head_dim=16,
    conv_kernel=3,
)  # fmt: skip


def random_trained(codec_sha256: str = "") -> TrainedPrior:
    """Of the demo's codec, if no other is named."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        prior = Prior(SIZES).eval()
        for weight in prior.parameters():
            weight.normal_(std=0.3)
    origin = CodesOrigin(codec_sha256 or inspect_codec("demo").sha256, 8, 1024)
    return TrainedPrior(prior, tiny_tokenizer(), origin, {})


def random_source(name: str = "random") -> Source:
    """Such a prior with its codec."""
    return Source(name, random_trained(), load_codec("demo"))


def saved_prior(url: str, codec_sha256: str = "") -> str:
    """Its URL as a checkpoint."""
    save_prior(url, random_trained(codec_sha256))
    return url


class PlannedScorer:
    """Gives scores that are known, in the order of the images."""

    def __init__(self, scores: Sequence[float]) -> None:
        self._scores = scores

    def score(self, images: Sequence[Rgb], captions: Sequence[str]) -> NDArray[np.float32]:
        return np.array(self._scores[: len(images)], np.float32)
