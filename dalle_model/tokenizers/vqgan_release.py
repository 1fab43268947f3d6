"""Released VQGANs as checkpoints of kind `vqgan`, their sizes told by their tensors.

Taken are Lightning checkpoints of taming-transformers (f16-1024, f16-16384, gumbel f8-8192), with
their `model.yaml` or without, and the VQ-8 and VQ-16 of LlamaGen, which name the same layers
otherwise. Those of dalle-mini have pixels in [0, 1]: its VQGAN of Flax, and the decoder of it that
min-dalle has.
"""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from torch import Tensor

from dalle_model.tokenizers.flax_file import Weights
from dalle_model.tokenizers.pickles import ConversionError, read_released
from dalle_model.tokenizers.vqgan_config import QuantizerName, VqganConfig

# What a checkpoint holds beside the codec, such as the discriminator of its loss, is left out.
_KEPT = ("encoder.", "decoder.", "quantize.", "quant_conv.", "post_quant_conv.")
_TAMING = {"encoder.conv_in.weight", "quant_conv.weight"}
_FLAX = {"encoder.conv_in.kernel", "quant_conv.kernel"}
_DETOKENIZER = {"embedding.weight", "decoder.conv_in.weight"}
_USAGE = "quantize.codebook_used"  # LlamaGen's count of codes, of no use afterwards
_RESOLUTION = 256  # of the images of every release above
_MAX_YAML = 1 << 16  # chosen: bytes; the releases' have 1 to 2 kB
# Source: dalle-mini `tools/dataset/encode_dataset.ipynb`, which does not move [0, 1] to [-1, 1],
# and its inference, which clips to it; so does min-dalle.
_MINI_RANGE = (0.0, 1.0)
_MIN_DALLE_EPS = 1e-5  # Source: min-dalle `models/vqgan_detokenizer.py`: torch's default
# Flax writes members of lists so. Source: patil-suraj/vqgan-jax (10ef240)
# `convert_pt_model_to_jax.py`, `rename_key`
_FLAX_LIST = re.compile(r"\.(down|up|block|attn)_(\d+)(?=\.|$)")
_FLAX_KINDS = {"kernel": "weight", "scale": "weight", "embedding": "weight"}
# LlamaGen's names for the release's. Source: `tokenizer/tokenizer_image/vq_model.py`
_MIDDLE = {"0": "block_1", "1": "attn_1", "2": "block_2"}


def is_vqgan(tensors: Mapping[str, Tensor]) -> bool:
    """Whether tensors are those of a VQGAN, by the names of any release."""
    return any(names <= tensors.keys() for names in (_TAMING, _FLAX, _DETOKENIZER))


def vqgan_weights(
    source: Weights, yaml_url: str | None, image_shape: tuple[int, int] | None
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
    read = source.tensors()
    known = _told_by_names(read)
    is_llamagen = any(name.startswith("encoder.conv_blocks.") for name in read)
    tensors = _renamed(read) if is_llamagen else _renamed_mini(read)
    tensors = {n: t for n, t in tensors.items() if n.startswith(_KEPT) and n != _USAGE}
    stated = {} if yaml_url is None else _read_yaml(yaml_url)
    edge = int(stated.get("resolution", _RESOLUTION))
    try:
        sizes = _sizes(tensors, is_llamagen)
        config = VqganConfig(image_shape=image_shape or (edge, edge), **sizes, **known)
    except (KeyError, IndexError) as error:
        raise ConversionError(f"{source.url} is no VQGAN: it has no tensor {error}") from error
    if yaml_url is not None:
        _compare(yaml_url, stated, config)
    return config, tensors


def _told_by_names(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """What is as taming has it, unless the names are those of dalle-mini or of min-dalle."""
    if tensors.keys() >= _FLAX:
        return {"pixel_range": _MINI_RANGE}
    if tensors.keys() >= _DETOKENIZER:
        return {"pixel_range": _MINI_RANGE, "norm_eps": _MIN_DALLE_EPS, "has_encoder": False}
    return {}


def _sizes(tensors: Mapping[str, Tensor], is_llamagen: bool) -> dict[str, Any]:
    """Fields of the config; of the decoder alone as well, whose levels have a block more."""
    is_half = "encoder.conv_in.weight" not in tensors
    half = "decoder.up" if is_half else "encoder.down"
    levels = _count(tensors, rf"{half}\.(\d+)\.")
    widths = [len(tensors[f"{half}.{i}.block.0.conv1.weight"]) for i in range(levels)]
    ch = widths[0] if is_half else len(tensors["encoder.conv_in.weight"])
    quantizer: QuantizerName = "cosine" if is_llamagen else "nearest"
    if "quantize.proj.weight" in tensors:
        quantizer = "gumbel"
    book = tensors[f"quantize.{'embed' if quantizer == 'gumbel' else 'embedding'}.weight"]
    return {
        "num_codes": len(book),
        "embed_dim": book.shape[1],
        "z_channels": len(tensors["post_quant_conv.weight"]),
        "ch": ch,
        "ch_mult": tuple(width // ch for width in widths),
        "num_res_blocks": _count(tensors, rf"{half}\.0\.block\.(\d+)\.") - is_half,
        "attn_levels": tuple(i for i in range(levels) if f"{half}.{i}.attn.0.q.weight" in tensors),
        "quantizer": quantizer,
    }


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


def _renamed_mini(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of dalle-mini or min-dalle by the names of the release; others as they are."""
    if tensors.keys() >= _FLAX:
        return dict(map(_of_flax, tensors.items()))
    moved = {"embedding.weight": "quantize.embedding.weight"}
    return {moved.get(name, name): tensor for name, tensor in tensors.items()}


def _of_flax(item: tuple[str, Tensor]) -> tuple[str, Tensor]:
    """A tensor of Flax, whose kernels have the channels last."""
    module, _, kind = item[0].rpartition(".")
    if ".mid." not in module:  # whose blocks are no list
        module = _FLAX_LIST.sub(r".\1.\2", module)
    tensor = item[1].permute(3, 2, 0, 1).contiguous() if kind == "kernel" else item[1]
    return f"{module}.{_FLAX_KINDS.get(kind, kind)}", tensor


def _read_yaml(url: str) -> dict[str, Any]:
    """What a `model.yaml` says of the sizes, as `VqganConfig` and `ddconfig` name them."""
    content = read_released(url)
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
