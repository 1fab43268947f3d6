"""OpenAI's released dVAE, `encoder.pkl` and `decoder.pkl`, as a checkpoint of kind `dvae`.

The files hold whole pickled modules; state dicts of the same names are taken, too.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from dalle_model.config import DvaeConfig
from dalle_model.tokenizers.flax_file import Weights
from dalle_model.tokenizers.pickles import ConversionError

_INPUT, _OUTPUT = "blocks.input.w", "blocks.output.conv.w"
_ENCODER_KERNEL = 7  # Source: openai/DALL-E `dall_e/encoder.py`: of the encoder's input layer


def dvae_weights(
    sources: Sequence[Weights], image_shape: tuple[int, int] | None
) -> tuple[DvaeConfig, dict[str, Tensor]]:
    """The sizes and the tensors of a released encoder and its decoder, in either order.

    Args:
        sources: the two files.
        image_shape: height and width of the images, in pixels; 256 each by default, as in the
            release. The network takes any multiple of 8.

    Raises:
        ConversionError: a file is neither, or there are not one of each.
    """
    halves: dict[str, Mapping[str, Tensor]] = {}
    for source in sources:
        tensors = source.tensors()
        name = _half(source.url, tensors)
        if name in halves:
            raise ConversionError(f"{source.url} is the second {name}; give one of each")
        halves[name] = tensors
    for name in ("encoder", "decoder"):
        if name not in halves:
            raise ConversionError(f"the {name} is missing: `dalle convert` takes both files")
    config = _config(halves["encoder"], halves["decoder"], image_shape or (256, 256))
    named = {f"{half}.{name}": t for half in sorted(halves) for name, t in halves[half].items()}
    return config, named


def _half(url: str, tensors: Mapping[str, Tensor]) -> str:
    if _INPUT not in tensors or _OUTPUT not in tensors or tensors[_INPUT].ndim != 4:
        raise ConversionError(
            f"{url} is no part of a released dVAE: it has no {_INPUT} and {_OUTPUT}; an "
            "encoder.pkl and a decoder.pkl make a codec, as do a VQGAN's checkpoint and YAML file; "
            "a DALL·E mini needs its vocab.json and merges.txt"
        )
    return "encoder" if tensors[_INPUT].shape[-1] == _ENCODER_KERNEL else "decoder"


def _config(
    encoder: Mapping[str, Tensor], decoder: Mapping[str, Tensor], image_shape: tuple[int, int]
) -> DvaeConfig:
    height, width = image_shape
    blocks = {name.split(".")[2] for name in encoder if name.startswith("blocks.group_1.block_")}
    return DvaeConfig(
        side=height,
        num_codes=len(encoder[_OUTPUT]),
        hidden=len(encoder[_INPUT]),
        bottleneck=len(decoder[_INPUT]),
        blocks_per_group=len(blocks),
        image_width=None if width == height else width,
    )
