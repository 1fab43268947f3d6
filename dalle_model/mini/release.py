"""The names that released weights of DALL·E mini have, and ours for them.

Two releases have the same tensors: dalle-mini's `flax_model.msgpack`, whose layers are one tensor
each for all of them or one for each, and min-dalle's `encoder.pt` and `decoder.pt`. Scales of norms
right before a matrix are in neither.
"""

import re
from collections.abc import Iterator, Mapping

from torch import Tensor

from dalle_model.tokenizers.pickles import ConversionError

# Source: kuprel/min-dalle (73621fb) `min_dalle/models/`, and its `load_params.py` (07ce93d^), which
# names what Flax numbers in order of its calls; borisdayma/dalle-mini `model/modeling.py`.
_ATTENTION = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "out_proj": "output"}
_MLP = {"ln0": "norm", "fc0": "gate", "fc1": "up", "ln1": "inner_norm", "fc2": "down"}
_LAYER = {
    "pre_self_attn_layer_norm": "attention_norm",
    **{f"self_attn.{theirs}": f"attention.{ours}" for theirs, ours in _ATTENTION.items()},
    "self_attn_layer_norm": "attention_out_norm",
    "pre_encoder_attn_layer_norm": "cross_norm",
    **{f"encoder_attn.{theirs}": f"cross.{ours}" for theirs, ours in _ATTENTION.items()},
    "encoder_attn_layer_norm": "cross_out_norm",
    **{f"glu.{theirs}": f"mlp.{ours}" for theirs, ours in _MLP.items()},
}
_STACK = {
    "embed_tokens": "embedding.token",
    "embed_positions": "embedding.position",
    "layernorm_embedding": "embedding.norm",
    "final_ln": "norm",
}
_FLAX_LAYER = {
    "LayerNorm_0": "pre_self_attn_layer_norm",
    "FlaxBartAttention_0": "self_attn",
    "LayerNorm_1": "self_attn_layer_norm",
    "LayerNorm_2": "pre_encoder_attn_layer_norm",
    "FlaxBartAttention_1": "encoder_attn",
    "LayerNorm_3": "encoder_attn_layer_norm",
    "GLU_0.LayerNorm_0": "glu.ln0",
    "GLU_0.Dense_0": "glu.fc0",
    "GLU_0.Dense_1": "glu.fc1",
    "GLU_0.LayerNorm_1": "glu.ln1",
    "GLU_0.Dense_2": "glu.fc2",
}
_FLAX_HALF = re.compile(r"model\.(encoder|decoder)\.(.+)")
_FLAX_LAYERS = re.compile(r"layers\.FlaxBart(?:En|De)coderLayer(?:s|_(\d+))\.(.+)")


def named_as_ours(
    encoder: Mapping[str, Tensor], decoder: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The tensors of min-dalle's two modules by the names of `Mini`.

    Raises:
        ConversionError: one of them has a name that neither module has.
    """
    named: dict[str, Tensor] = {}
    for half, tensors in (("encoder", encoder), ("decoder", decoder)):
        for name, tensor in tensors.items():
            module, _, kind = name.rpartition(".")
            named[f"{_module(half, module)}.{kind}"] = tensor
    return named


def from_flax(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors of dalle-mini's tree as those of min-dalle's two modules.

    Args:
        tensors: by the names of the tree, joined by dots.

    Raises:
        ConversionError: one of them is of another architecture.
    """
    halves: dict[str, dict[str, Tensor]] = {"encoder": {}, "decoder": {}}
    for name, tensor in tensors.items():
        if name == "lm_head.kernel":
            halves["decoder"]["lm_head.weight"] = tensor.mT.contiguous()
            continue
        found = _FLAX_HALF.fullmatch(name)
        if not found:
            raise _other(name)
        halves[found[1]].update(_of_half(found[2], tensor))
    return halves["encoder"], halves["decoder"]


def _module(half: str, module: str) -> str:
    """Our name of a module of theirs."""
    if module == "lm_head":
        return "head"
    found = re.fullmatch(r"layers\.(\d+)\.(.+)", module)
    if found and found[2] in _LAYER:
        return f"{half}.blocks.{found[1]}.{_LAYER[found[2]]}"
    if module in _STACK:
        return f"{half}.{_STACK[module]}"
    raise _other(module)


def _of_half(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """A tensor of Flax as those of min-dalle: several, where it is that of all layers."""
    found = _FLAX_LAYERS.fullmatch(name)
    if found is None:
        yield _of_module(name, tensor)
        return
    number, inner = found.groups()
    module, _, kind = inner.rpartition(".")
    for theirs, ours in _FLAX_LAYER.items():
        if module == theirs or module.startswith(f"{theirs}."):
            inner = f"{ours}{module.removeprefix(theirs)}.{kind}"
    layers = tensor.unbind() if number is None else (tensor,)
    for layer, part in enumerate(layers, start=int(number or 0)):
        yield _of_module(f"layers.{layer}.{inner}", part)


def _of_module(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    """Flax multiplies from the left by a kernel, and has its own words for the rest."""
    module, _, kind = name.rpartition(".")
    if kind == "kernel":
        return f"{module}.weight", tensor.mT.contiguous()
    return f"{module}.{'bias' if kind == 'bias' else 'weight'}", tensor.contiguous()


def _other(name: str) -> ConversionError:
    return ConversionError(
        f"{name[:80]} is no tensor of DALL·E mini: these weights are of another architecture, such "
        "as another of dalle-mini's variants"
    )
