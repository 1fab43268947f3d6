"""Sizes of a CLIP, a vision transformer and a text transformer, as frozen data without torch."""

from dataclasses import asdict, dataclass
from typing import Any

from dalle_model.training_settings import require

# Of inputs; the default of open_clip's `PreprocessCfg`.
# Source: openai/CLIP `clip/clip.py`, `_transform`; open_clip 3.3 `constants.py`.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class ClipConfig:
    """Sizes of a CLIP.

    The defaults are chosen: what half an hour of a core does for ten epochs. There is no
    ModifiedResNet: its batch norms look at a batch, and keep averages that no moving average of
    weights has.

    Args:
        image_size: edge of the squares it sees, in pixels.
        patch_size: edge of a patch, which must divide that.
        vision_width: channels of the vision transformer.
        vision_layers: its blocks.
        vision_head_width: channels of a head.
        text_width: channels of the text transformer.
        text_layers: its blocks.
        text_heads: heads of each.
        text_len: text positions, one at least of which is an end.
        vocab_size: of the text tokenizer, which is trained with the model; at most.
        embed_dim: values of a vector.
    """

    image_size: int = 64
    patch_size: int = 16
    vision_width: int = 128
    vision_layers: int = 4
    vision_head_width: int = 32
    text_width: int = 128
    text_layers: int = 2
    text_heads: int = 4
    text_len: int = 20
    vocab_size: int = 2048
    embed_dim: int = 128

    def __post_init__(self) -> None:
        require(min(asdict(self).values()) >= 1, "sizes of a CLIP must be at least 1")
        for name, whole, part in (
            ("image_size", self.image_size, self.patch_size),
            ("vision_width", self.vision_width, self.vision_head_width),
            ("text_width", self.text_width, self.text_heads),
        ):
            require(whole % part == 0, f"{name} {whole} must be a multiple of {part}")
        require(self.text_len >= 2, "text_len must be at least 2: a start and an end")

    def to_dict(self) -> dict[str, Any]:
        """It as JSON."""
        return asdict(self)

    def open_clip(self, vocab_size: int) -> dict[str, Any]:
        """The arguments of open_clip's class.

        Args:
            vocab_size: that the text tokenizer has come to; the model has one id more, the end.
        """
        return {
            "embed_dim": self.embed_dim,
            "vision_cfg": {
                "image_size": self.image_size,
                "patch_size": self.patch_size,
                "width": self.vision_width,
                "layers": self.vision_layers,
                "head_width": self.vision_head_width,
            },
            "text_cfg": {
                "context_length": self.text_len,
                "vocab_size": vocab_size + 1,
                "width": self.text_width,
                "heads": self.text_heads,
                "layers": self.text_layers,
            },
        }


CLIP_PRESETS = {
    "demo": ClipConfig(),
    # Source: Radford et al. 2021, table 20; the vocabulary of 49,152 is that of section 2.4.
    "vit-b-32": ClipConfig(
        image_size=224,
        patch_size=32,
        vision_width=768,
        vision_layers=12,
        vision_head_width=64,
        text_width=512,
        text_layers=12,
        text_heads=8,
        text_len=77,
        vocab_size=49_152,
        embed_dim=512,
    ),
}
