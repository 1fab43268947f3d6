"""Files as `flax.serialization.to_bytes` writes them: msgpack with arrays."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt


def write_flax(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """Write arrays, by names joined by dots, as a tree; returns the path.

    Source: flax `serialization.py`, `_ndarray_to_bytes`, `msgpack_serialize`.
    """
    tree: dict[str, Any] = {}
    for name, array in arrays.items():
        *folders, last = name.split(".")
        branch = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
        values = np.ascontiguousarray(array)
        packed = msgpack.packb((values.shape, values.dtype.name, values.tobytes()))
        branch[last] = msgpack.ExtType(1, packed)
    path.write_bytes(msgpack.packb(tree))
    return str(path)
