"""A prior that can be used: weights, its text tokenizer, and the codec whose codes it speaks."""

from dataclasses import dataclass
from typing import Any, Protocol

from dalle_model.checkpoint import CheckpointError, load_checkpoint, load_into, save_checkpoint
from dalle_model.config import PriorConfig
from dalle_model.prior.model import Prior
from dalle_model.vocab import CaptionTokenizer

KIND = "prior"


class CodecIdentity(Protocol):
    """What tells codes apart; both a codec and the metadata of a shard can be read so."""

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
    """What a checkpoint of kind `prior` holds.

    Args:
        prior: in float32 on the CPU.
        tokenizer: of its captions.
        codes: the codec it was trained on.
        metrics: of the training.
    """

    prior: Prior
    tokenizer: CaptionTokenizer
    codes: CodesOrigin
    metrics: dict[str, Any]


def save_prior(url: str, trained: TrainedPrior) -> str:
    """Write everything that sampling needs into one file; returns its SHA-256."""
    extra = {
        "tokenizer": trained.tokenizer.content.decode(),
        "codec_sha256": trained.codes.sha256,
        "metrics": trained.metrics,
    }
    config = trained.prior.config.to_dict()
    return save_checkpoint(url, KIND, trained.prior.state_dict(), config, extra)


def load_prior(url: str) -> TrainedPrior:
    """Read what `save_prior` wrote.

    Raises:
        CheckpointError: missing, corrupt, of another kind or architecture.
        VocabError: the tokenizer inside is unusable.
    """
    checkpoint = load_checkpoint(url, KIND)
    config = PriorConfig.from_dict(checkpoint.config)
    prior = Prior(config)
    load_into(prior, checkpoint, checkpoint.tensors)
    tokenizer = CaptionTokenizer(str(checkpoint.extra["tokenizer"]).encode(), url)
    codes = CodesOrigin(checkpoint.extra["codec_sha256"], config.grid, config.image_vocab)
    return TrainedPrior(prior.eval(), tokenizer, codes, checkpoint.extra["metrics"])


def check_codec(url: str, codes: CodecIdentity, codec: CodecIdentity) -> None:
    """Refuse to let a codec decode what it did not encode.

    Args:
        url: of the prior, for the message.
        codes: what the prior was trained on.
        codec: what is to decode its samples.

    Raises:
        CheckpointError: they differ; names both sides.
    """
    for name in ("grid", "num_codes", "sha256"):
        trained_on, given = getattr(codes, name), getattr(codec, name)
        if trained_on != given:
            raise CheckpointError(
                f"{url} speaks the codes of another codec: {name} is {trained_on} in the prior and "
                f"{given} in the codec; name the codec of its shards, or `dalle train prior` again"
            )
