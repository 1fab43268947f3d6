"""Settings of the prior stage."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dalle_model import config as sizes
from dalle_model.settings import (
    PAIR_CHOICE_PRESETS,
    PRIOR_TRAINING_PRESETS,
    PairChoice,
    PriorTraining,
)
from pipelines.presets import fill_from_preset


@dataclass(frozen=True)
class PriorModel:
    """Sizes of the prior.

    Args:
        layers: attention layers, each followed by an MLP; the last one is convolutional.
        heads: of each; with `head_dim` they make the width.
        head_dim: channels of one head.
        text_len: text positions before the image, two of which frame the caption.
        conv_kernel: edge of the last layer's window, in tokens; odd.
        grid: image tokens along one edge; those of the codec where it is not set.
        image_vocab: codes; those of the codec where it is not set.
        text_vocab: text tokens; `bpe.vocab_size` where it is not set.
    """

    layers: int
    heads: int
    head_dim: int
    text_len: int
    conv_kernel: int
    grid: int | None = None
    image_vocab: int | None = None
    text_vocab: int | None = None

    def __post_init__(self) -> None:
        self.closed()

    @classmethod
    def of(cls, prior: sizes.PriorConfig) -> "PriorModel":
        """The same sizes, apart from those that follow the codec and the text tokenizer."""
        return cls(prior.layers, prior.heads, prior.head_dim, prior.text_len, prior.conv_kernel)

    def closed(self) -> sizes.PriorConfig:
        """The sizes of the prior; what is open is as in the paper."""
        return sizes.PriorConfig(**{k: v for k, v in asdict(self).items() if v is not None})


PRIOR_MODEL_PRESETS = {name: PriorModel.of(prior) for name, prior in sizes.PRIOR_PRESETS.items()}


class PriorConfig(BaseModel):
    """The autoregressive prior, trained on the run's token shards.

    Args:
        preset: what `model`, `pairs` and `training` leave out: `demo` (3 million parameters in
            blocks), `small` (25), `base` (99), `350m`, `1.4b` or `paper` (12 billion);
            docs/training.md says what each needs.
        model: its sizes.
        start: a trained prior that training begins at: `world` for the one that ships, or a URL;
            its sizes and its text tokenizer stand in the place of `model` and of the run's. Random
            weights where it is empty.
        also: folder of further token shards, which are trained on beside those of the run, such as
            what `start` was trained on.
        also_share: of their images.
        pairs: which rows of the run's shards it is trained on.
        training: how it is trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["demo", "small", "base", "350m", "1.4b", "paper"] = "demo"
    model: PriorModel = PRIOR_MODEL_PRESETS["demo"]
    start: str = ""
    also: str = ""
    also_share: float = Field(default=1.0, gt=0, le=1)
    pairs: PairChoice = PAIR_CHOICE_PRESETS["demo"]
    training: PriorTraining = PRIOR_TRAINING_PRESETS["demo"]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.also and not self.start:
            raise ValueError("also: needs `start`, whose training it goes on with")
        return self

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        return fill_from_preset(
            values,
            model=PRIOR_MODEL_PRESETS,
            pairs=PAIR_CHOICE_PRESETS,
            training=PRIOR_TRAINING_PRESETS,
        )
