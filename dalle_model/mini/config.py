"""Sizes of a DALL·E mini as frozen data without torch, with presets of the released ones."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from dalle_model.training_settings import require

# Source: the released codec, VQGAN f16-16384, and dalle-mini's `decoder_start_token_id`: the first
# id after its codes.
VQGAN_CODES = 16384
BART_PAD = 1  # Source: BART's vocabulary: `<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3


@dataclass(frozen=True)
class MiniConfig:
    """Sizes of a DALL·E mini, with what the ids of its vocabularies mean.

    Args:
        text_vocab: rows of the table of text tokens, that of the padding included.
        text_len: text positions.
        text_pad: id that fills captions, which nothing attends to.
        image_vocab: ids of image tokens; the table and the head have one row more.
        num_codes: of the codec: ids below it are codes, and only those are drawn.
        start: id before the first image token.
        grid: image tokens along one edge.
        width: channels of both stacks.
        encoder_layers: of the text.
        decoder_layers: of the image.
        heads: attention heads of a layer.
        ffn: channels within the gated linear unit.
        init_std: standard deviation of initial weights.
        scaled_norms: whether layer norms right before a matrix have scales, which the matrix could
            have as well (`force_ln_scale`); the released ones have only shifts.

    Raises:
        ValueError: a size is not positive, heads do not divide the width, or an id is in no table.

    Source: borisdayma/dalle-mini (f0be4de) `src/dalle_mini/model/configuration.py` and
    `tools/train/config/*/config.json`; the defaults are those of `mini`.
    """

    text_vocab: int = 50264
    text_len: int = 64
    text_pad: int = BART_PAD
    image_vocab: int = 16391
    num_codes: int = VQGAN_CODES
    start: int = VQGAN_CODES
    grid: int = 16
    width: int = 1024
    encoder_layers: int = 12
    decoder_layers: int = 12
    heads: int = 16
    ffn: int = 4096
    init_std: float = 0.02
    scaled_norms: bool = False

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            least = 0 if name in ("text_pad", "start", "scaled_norms") else 1
            require(name == "init_std" or value >= least, f"{name} must be at least {least}")
        require(self.width % self.heads == 0, f"width must be a multiple of heads {self.heads}")
        for name, rows in (("text_pad", self.text_vocab), ("start", self.image_vocab + 1)):
            value = getattr(self, name)
            require(value < rows, f"{name} {value} is not below the {rows} rows of its table")
        require(self.num_codes <= self.image_vocab, "num_codes must be at most image_vocab")

    @property
    def image_len(self) -> int:
        """Image positions, in raster order."""
        return self.grid**2

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**values)


MINI_PRESETS = {
    "demo": MiniConfig(  # chosen: minutes on one CPU core, for the codec that ships
        text_vocab=1025,  # of the tokenizer of a run, and the padding
        text_len=16,
        text_pad=1024,
        image_vocab=1024,
        num_codes=1024,
        start=1024,
        grid=8,
        width=256,
        encoder_layers=2,
        decoder_layers=4,
        heads=4,
        ffn=512,
    ),
    "micro": MiniConfig(width=256, encoder_layers=2, decoder_layers=2, heads=2, ffn=256),
    "mini": MiniConfig(),
    "mini_glu": MiniConfig(text_vocab=50300, image_vocab=16400, ffn=2730),
    "mega": MiniConfig(
        text_vocab=50272,
        image_vocab=16415,
        width=2048,
        encoder_layers=24,
        decoder_layers=24,
        heads=32,
        ffn=4096,
        init_std=0.01,
    ),
}
