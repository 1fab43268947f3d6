"""What Flax wrote, `flax_model.msgpack`, read as data: a tree of dicts whose leaves are tensors."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dalle_model import files
from dalle_model.tokenizers.pickles import ConversionError, Pickled, read_pickle, read_released

SUFFIX = ".msgpack"
_ARRAY = 1  # Source: flax `serialization.py`, `_MsgpackExtType.ndarray`
_DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int32": torch.int32,
}


@dataclass(frozen=True)
class FlaxFile:
    """A file of `flax.serialization`.

    Args:
        url: where it was read from.
        sha256: of the file.
        tree: dicts in dicts, with tensors.
    """

    url: str
    sha256: str
    tree: Any

    def tensors(self) -> dict[str, Tensor]:
        """The tensors by their names, joined by dots."""
        return dict(_flat(self.tree, ""))


Weights = Pickled | FlaxFile


def read_weights(url: str) -> Weights:
    """Read a file of weights, by its suffix that of Flax, else that of `torch.save`.

    Raises:
        ConversionError: it is something else, or holds code.
    """
    return read_flax(url) if url.endswith(SUFFIX) else read_pickle(url)


def read_flax(url: str) -> FlaxFile:
    """Read a file of Flax.

    Raises:
        ConversionError: it is something else, damaged, or holds other types than arrays.
    """
    import msgpack  # type: ignore[import-untyped]  # of the extra `data`

    content = read_released(url)
    try:
        tree = msgpack.unpackb(content, ext_hook=_array, strict_map_key=True)
    except Exception as error:  # hostile bytes fail in msgpack, in struct or in torch
        raise ConversionError(
            f"{url} is no file of Flax: {type(error).__name__} {str(error)[:200]}"
        ) from error
    return FlaxFile(url, files.sha256(content), tree)


def _array(kind: int, content: bytes) -> Tensor:
    """An array as Flax packs it: shape, name of the type, and numbers.

    Source: flax `serialization.py`, `_ndarray_to_bytes`.
    """
    import msgpack

    if kind != _ARRAY:
        raise ValueError(f"a value of extension type {kind} is no array")
    shape, name, numbers = msgpack.unpackb(content)
    dtype = _DTYPES[name.decode() if isinstance(name, bytes) else name]
    if math.prod(shape) * dtype.itemsize != len(numbers):
        raise ValueError(f"an array of shape {shape} does not have {len(numbers)} bytes")
    if not numbers:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(numbers), dtype=dtype).view(shape)


def _flat(tree: Any, prefix: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(tree, Tensor):
        yield prefix.removesuffix("."), tree
    elif isinstance(tree, dict):
        for name, inner in tree.items():
            yield from _flat(inner, f"{prefix}{name}.")
