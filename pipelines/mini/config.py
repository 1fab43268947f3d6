"""Settings of the mini stage."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from dalle_model.mini.config import MINI_PRESETS, MiniConfig
from dalle_model.mini.settings import MINI_CHOICE_PRESETS, MINI_TRAINING_PRESETS, MiniTraining
from dalle_model.settings import PairChoice
from pipelines.presets import fill_from_preset


@dataclass(frozen=True)
class MiniModel:
    """Sizes of the mini.

    Args:
        width: channels of both stacks.
        encoder_layers: of the text.
        decoder_layers: of the image.
        heads: attention heads of a layer.
        ffn: channels within the gated linear unit.
        text_len: text positions, two of which frame the caption.
        init_std: standard deviation of initial weights.
        grid: image tokens along one edge; those of the codec where it is not set.
        image_vocab: codes; those of the codec where it is not set.
        text_vocab: text tokens; `bpe.vocab_size` where it is not set.
    """

    width: int
    encoder_layers: int
    decoder_layers: int
    heads: int
    ffn: int
    text_len: int
    init_std: float
    grid: int | None = None
    image_vocab: int | None = None
    text_vocab: int | None = None

    def __post_init__(self) -> None:
        self.closed()

    @classmethod
    def of(cls, mini: MiniConfig) -> "MiniModel":
        """The same sizes, apart from those that follow the codec and the text tokenizer."""
        names = (name for name in cls.__dataclass_fields__ if name in _FIXED)
        return cls(**{name: getattr(mini, name) for name in names})

    def closed(self) -> MiniConfig:
        """The sizes of the model; what is open is as in dalle-mini.

        The tables have one row more than there are tokens: the padding, and the start.
        """
        values: dict[str, Any] = {n: v for n, v in asdict(self).items() if n in _FIXED}
        if self.grid is not None:
            values["grid"] = self.grid
        if (codes := self.image_vocab) is not None:
            values |= {"image_vocab": codes, "num_codes": codes, "start": codes}
        if (tokens := self.text_vocab) is not None:
            values |= {"text_vocab": tokens + 1, "text_pad": tokens}
        return MiniConfig(**values)


_FIXED = frozenset(
    {"width", "encoder_layers", "decoder_layers", "heads", "ffn", "text_len", "init_std"}
)
MINI_MODEL_PRESETS = {name: MiniModel.of(mini) for name, mini in MINI_PRESETS.items()}


class MiniStageConfig(BaseModel):
    """A DALL·E mini, trained on the run's token shards.

    Args:
        preset: what `model`, `pairs` and `training` leave out: `demo` (6 million parameters), or
            `micro`, `mini`, `mini_glu` and `mega` of dalle-mini; docs/mini.md has their sizes.
        model: its sizes.
        pairs: which rows of the run's shards it is trained on.
        training: how it is trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Literal["demo", "micro", "mini", "mini_glu", "mega"] = "demo"
    model: MiniModel = MINI_MODEL_PRESETS["demo"]
    pairs: PairChoice = MINI_CHOICE_PRESETS["demo"]
    training: MiniTraining = MINI_TRAINING_PRESETS["demo"]

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        return fill_from_preset(
            values,
            model=MINI_MODEL_PRESETS,
            pairs=MINI_CHOICE_PRESETS,
            training=MINI_TRAINING_PRESETS,
        )
