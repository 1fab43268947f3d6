"""Released VQGANs as checkpoints of kind `vqgan`, their sizes told by their tensors.

Taken are Lightning checkpoints of taming-transformers (f16-1024, f16-16384, gumbel f8-8192), with
their `model.yaml` or without, and the VQ-8 and VQ-16 of LlamaGen, which name the same layers
otherwise.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from torch import Tensor

from dalle_model import files
from dalle_model.tokenizers.pickles import ConversionError, Pickled
from dalle_model.tokenizers.vqgan_config import QuantizerName, VqganConfig

# What a checkpoint holds beside the codec, such as the discriminator of its loss, is left out.
_KEPT = ("encoder.", "decoder.", "quantize.", "quant_conv.", "post_quant_conv.")
_USAGE = "quantize.codebook_used"  # LlamaGen's count of codes, of no use afterwards
_RESOLUTION = 256  # of the images of every release above
_MAX_YAML = 1 << 16  # chosen: bytes; the releases' have 1 to 2 kB
# LlamaGen's names for the release's. Source: `tokenizer/tokenizer_image/vq_model.py`
_MIDDLE = {"0": "block_1", "1": "attn_1", "2": "block_2"}


def is_vqgan(tensors: Mapping[str, Tensor]) -> bool:
    """Whether tensors are those of a VQGAN."""
    return "encoder.conv_in.weight" in tensors and "quant_conv.weight" in tensors


def vqgan_weights(
    source: Pickled, yaml_url: str | None, image_shape: tuple[int, int] | None
) -> tuple[VqganConfig, dict[str, Tensor]]:
    """The sizes and the tensors of a released VQGAN.

    Args:
        source: the checkpoint.
        yaml_url: of its `model.yaml`, which must agree with the tensors.
        image_shape: height and width of the images, in pixels; by default the resolution of the
            YAML file, or 256 each. The network takes any multiple of the pixels of a token.

    Raises:
        ConversionError: it is something else, or the YAML file is that of another one.
    """
    kept = {n: t for n, t in source.tensors().items() if n.startswith(_KEPT) and n != _USAGE}
    is_llamagen = any(name.startswith("encoder.conv_blocks.") for name in kept)
    tensors = _renamed(kept) if is_llamagen else kept
    stated = {} if yaml_url is None else _read_yaml(yaml_url)
    edge = int(stated.get("resolution", _RESOLUTION))
    try:
        config = _config(tensors, image_shape or (edge, edge), is_llamagen)
    except (KeyError, IndexError) as error:
        raise ConversionError(f"{source.url} is no VQGAN: it has no tensor {error}") from error
    if yaml_url is not None:
        _compare(yaml_url, stated, config)
    return config, tensors


def _config(
    tensors: Mapping[str, Tensor], image_shape: tuple[int, int], is_llamagen: bool
) -> VqganConfig:
    ch = len(tensors["encoder.conv_in.weight"])
    levels = _count(tensors, r"encoder\.down\.(\d+)\.")
    widths = [len(tensors[f"encoder.down.{i}.block.0.conv1.weight"]) for i in range(levels)]
    quantizer: QuantizerName = "cosine" if is_llamagen else "nearest"
    if "quantize.proj.weight" in tensors:
        quantizer = "gumbel"
    book = tensors[f"quantize.{'embed' if quantizer == 'gumbel' else 'embedding'}.weight"]
    return VqganConfig(
        num_codes=len(book),
        embed_dim=book.shape[1],
        z_channels=len(tensors["encoder.conv_out.weight"]),
        ch=ch,
        ch_mult=tuple(width // ch for width in widths),
        num_res_blocks=_count(tensors, r"encoder\.down\.0\.block\.(\d+)\."),
        attn_levels=tuple(
            i for i in range(levels) if f"encoder.down.{i}.attn.0.q.weight" in tensors
        ),
        quantizer=quantizer,
        image_shape=image_shape,
    )


def _count(tensors: Mapping[str, Tensor], pattern: str) -> int:
    return len({found[1] for name in tensors if (found := re.match(pattern, name))})


def _renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of LlamaGen by the names of the release, whose decoder counts from the finest."""
    last = _count(tensors, r"decoder\.conv_blocks\.(\d+)\.") - 1

    def named(name: str) -> str:
        name = re.sub(r"^encoder\.conv_blocks\.", "encoder.down.", name)
        name = re.sub(
            r"^decoder\.conv_blocks\.(\d+)", lambda m: f"decoder.up.{last - int(m[1])}", name
        )
        name = re.sub(r"\.(down|up)\.(\d+)\.res\.", r".\1.\2.block.", name)
        return re.sub(r"\.mid\.([012])\.", lambda m: f".mid.{_MIDDLE[m[1]]}.", name)

    return {named(name): tensor for name, tensor in tensors.items()}


def _read_yaml(url: str) -> dict[str, Any]:
    """What a `model.yaml` says of the sizes, as `VqganConfig` and `ddconfig` name them."""
    content = files.read_bytes(url)
    try:
        if len(content) > _MAX_YAML:
            raise ValueError(f"{len(content)} bytes are no settings of a model")
        params = yaml.safe_load(content)["model"]["params"]
        sizes = params["ddconfig"]
        return {
            "num_codes": int(params["n_embed"]),
            "embed_dim": int(params["embed_dim"]),
            "z_channels": int(sizes["z_channels"]),
            "ch": int(sizes["ch"]),
            "ch_mult": tuple(sizes["ch_mult"]),
            "num_res_blocks": int(sizes["num_res_blocks"]),
            "resolution": int(sizes["resolution"]),
            "attn_resolutions": tuple(sizes["attn_resolutions"]),
        }
    except (yaml.YAMLError, ValueError, TypeError, KeyError) as error:
        raise ConversionError(
            f"{url} is no model.yaml of a VQGAN: {type(error).__name__} {str(error)[:200]}"
        ) from error


def _compare(url: str, stated: Mapping[str, Any], config: VqganConfig) -> None:
    attends = tuple(
        i
        for i in range(len(config.ch_mult))
        if stated["resolution"] >> i in stated["attn_resolutions"]
    )
    sizes = {n: v for n, v in stated.items() if n not in ("resolution", "attn_resolutions")}
    for name, value in (sizes | {"attn_levels": attends}).items():
        if getattr(config, name) != value:
            raise ConversionError(
                f"{url} is of another model: {name} is {value} there, and {getattr(config, name)} "
                "by the tensors"
            )
