"""A trained prior: its weights, its text tokenizer, and which codec's codes it predicts."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from dalle_model.checkpoint import CheckpointError, load_checkpoint, load_into, save_checkpoint
from dalle_model.config import PriorConfig
from dalle_model.prior.model import Prior
from dalle_model.vocab import CaptionTokenizer

KIND = "prior"


class CodecIdentity(Protocol):
    """What tells the codes of two codecs apart: a part of `CodecFacts`, and a `CodesOrigin`."""

    @property
    def sha256(self) -> str:
        """Of the codec's weights file."""

    @property
    def grid(self) -> int:
        """Tokens along one edge."""

    @property
    def num_codes(self) -> int:
        """Every code is below it."""


@dataclass(frozen=True)
class CodesOrigin:
    """The codec that made the training tokens.

    Args:
        sha256: of its weights file.
        grid: tokens along one edge.
        num_codes: every code is below it.
    """

    sha256: str
    grid: int
    num_codes: int


@dataclass(frozen=True)
class TrainedPrior:
    """The content of a checkpoint of kind `prior`.

    Args:
        prior: in float32 on the CPU.
        tokenizer: of the captions it reads.
        codes: the codec of the tokens it was trained on.
        metrics: of the training.
    """

    prior: Prior
    tokenizer: CaptionTokenizer
    codes: CodesOrigin
    metrics: dict[str, Any]


def save_prior(url: str, trained: TrainedPrior, dtype: torch.dtype = torch.float32) -> str:
    """Write everything that sampling needs into one file; returns its SHA-256.

    Args:
        url: to write to.
        trained: what to write.
        dtype: of the weights in the file; in bfloat16 it takes half of the bytes, and `load_prior`
            gives float32 with 8 bits of each mantissa.
    """
    extra = {
        "tokenizer": trained.tokenizer.content.decode(),
        "codec_sha256": trained.codes.sha256,
        "metrics": trained.metrics,
    }
    config = trained.prior.config.to_dict()
    tensors = {name: value.to(dtype) for name, value in trained.prior.state_dict().items()}
    return save_checkpoint(url, KIND, tensors, config, extra)


def load_prior(url: str) -> TrainedPrior:
    """Read a checkpoint that `save_prior` wrote.

    Raises:
        CheckpointError: missing, corrupt, of another kind or architecture.
        VocabError: the tokenizer in it cannot be used.
    """
    checkpoint = load_checkpoint(url, KIND)
    config = PriorConfig.from_dict(checkpoint.config)
    prior = Prior(config)
    load_into(prior, checkpoint, checkpoint.tensors)
    tokenizer = CaptionTokenizer(str(checkpoint.extra["tokenizer"]).encode(), url)
    codes = CodesOrigin(checkpoint.extra["codec_sha256"], config.grid, config.image_vocab)
    return TrainedPrior(prior.eval(), tokenizer, codes, checkpoint.extra["metrics"])


def check_codec(url: str, codes: CodecIdentity, codec: CodecIdentity, model: str = "prior") -> None:
    """Check that a model's samples are decoded by the codec it was trained on.

    Args:
        url: of the model, for the error message.
        codes: the codec of the training tokens.
        codec: the one that will decode the samples.
        model: its kind, for the same.

    Raises:
        CheckpointError: they differ; names both sides.
    """
    for name in ("grid", "num_codes", "sha256"):
        trained_on, given = getattr(codes, name), getattr(codec, name)
        if trained_on != given:
            raise CheckpointError(
                f"{url} was trained on codes of another codec: {name} is {trained_on} in the "
                f"{model} and {given} in the codec; use the codec of its shards, or "
                f"`dalle train {model}` again"
            )
