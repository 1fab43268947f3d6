"""What `torch.save` wrote, read as data: nothing that a pickle names is imported or called.

A pickle is a program. This reader knows a few names: containers, and torch's functions that put
tensors together, in whose place it notes what they would be called with. Classes of libraries whose
modules were saved whole are read as `Record`: a name and its attributes. A pickle that asks for any
other name is refused.
"""

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dalle_model import files
from dalle_model.checkpoint import CheckpointError
from dalle_model.errors import UsageError

# Source: torch `torch/serialization.py`, `MAGIC_NUMBER`, `PROTOCOL_VERSION`, `_legacy_save`
_LEGACY_MAGIC, _LEGACY_VERSION, _COUNT_BYTES = 0x1950A86A20F9469CFC6C, 1001, 8
_ZIP_MAGIC = b"PK\x03\x04"
# Source: torch `torch/storage.py`, `_storage_type_to_dtype_map`
_STORAGES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_STATE_DICTS = ("state_dict", "model")  # as Lightning and as LlamaGen call theirs
_CONTAINERS: dict[str, type] = {
    "collections.OrderedDict": OrderedDict,
    "builtins.set": set,
    "__builtin__.set": set,
}
_PARAMETERS = ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state")
_TENSORS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
# Names read as records. With modules saved whole come their attributes, and with checkpoints of
# Lightning its callbacks and numpy's scalars.
_RECORDS = ("torch.device", "torch.Size", "_codecs.encode", "argparse.Namespace")
_RECORD_PACKAGES = (
    "dall_e.",
    "torch.nn.modules.",
    "pytorch_lightning.",
    "lightning.",
    "omegaconf.",
    "numpy.",
)


class ConversionError(UsageError, CheckpointError):
    """A released file cannot be converted: which, why, and what is taken."""


class Record:
    """An object of a class that is not imported.

    Attributes:
        of: the full name of its class; each class is a subclass made for one file.
        state: its attributes.
    """

    of = ""

    def __init__(self, *_args: Any, **_named: Any) -> None:
        self.state: dict[Any, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}

    def __setitem__(self, name: Any, value: Any) -> None:
        """Of a class that is a dict, an item."""
        self.state[name] = value


class _Storage(NamedTuple):
    key: str
    dtype: torch.dtype


class _Saved(NamedTuple):
    """A tensor before its numbers are read."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class Pickled:
    """A file of `torch.save`.

    Args:
        url: where it was read from.
        sha256: of the file.
        root: the saved object, of containers, values and records.
        storages: the bytes of its tensors, by key.
    """

    url: str
    sha256: str
    root: Any
    storages: Mapping[str, memoryview]

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of a module, or of a state dict, by name.

        A state dict may be a part of what was saved, under one of `_STATE_DICTS`.

        Raises:
            ConversionError: it is none of these, or numbers are missing.
        """
        root = self.root
        for name in _STATE_DICTS:
            if isinstance(root, dict) and isinstance(root.get(name), dict):
                root = root[name]
        saved = _named(root, "") if isinstance(root, Record) else iter(_items(root))
        return {name: self._tensor(name, found) for name, found in saved if _is_saved(found)}

    def _tensor(self, name: str, saved: _Saved) -> Tensor:
        try:
            content, dtype = self.storages[saved.storage.key], saved.storage.dtype
            if math.prod(saved.size) * dtype.itemsize > len(content):  # else 0 strides make it huge
                raise ValueError(f"shape {saved.size} is more than {len(content)} bytes hold")
            if not len(content):
                return torch.empty(saved.size, dtype=dtype)
            flat = torch.frombuffer(bytearray(content), dtype=dtype)
            return flat.as_strided(saved.size, saved.stride, saved.offset).contiguous()
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ConversionError(f"{self.url} is damaged at {name!s:.80}: {error}") from error


def read_released(url: str) -> bytes:
    """The bytes of a released file.

    Raises:
        ConversionError: it is not there.
    """
    try:
        return files.read_bytes(url)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ConversionError(f"no file at {url}; give the files of the release") from error


def read_pickle(url: str) -> Pickled:
    """Read a file of `torch.save`, in torch's zip format or the one before it.

    Raises:
        ConversionError: it is something else, damaged, or names what is not on the list above.
    """
    content = read_released(url)
    read = _read_zip if content.startswith(_ZIP_MAGIC) else _read_legacy
    try:
        root, storages = read(url, content)
    except ConversionError:
        raise
    except Exception as error:  # hostile bytes fail in pickle, zipfile or struct
        raise ConversionError(
            f"{url} is no file of torch.save: {type(error).__name__} {str(error)[:200]}"
        ) from error
    return Pickled(url, files.sha256(content), root, storages)


def _read_zip(url: str, content: bytes) -> tuple[Any, dict[str, memoryview]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        (pickled,) = (name for name in names if name.endswith("/data.pkl"))
        top = pickled.removesuffix("data.pkl")
        if f"{top}constants.pkl" in names:
            raise ConversionError(
                f"{url} is TorchScript, which holds code; a YAML file beside it makes it a codec"
            )
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ConversionError(f"{url} is compressed, which torch.save never does")
        if f"{top}byteorder" in names and archive.read(f"{top}byteorder") != b"little":
            raise ConversionError(f"{url} was written on a machine of the other byte order")
        root = _Reader(url, io.BytesIO(archive.read(pickled))).load()
        data = f"{top}data/"
        return root, {
            name.removeprefix(data): memoryview(archive.read(name))
            for name in names
            if name.startswith(data)
        }


def _read_legacy(url: str, content: bytes) -> tuple[Any, dict[str, memoryview]]:
    stream = io.BytesIO(content)
    head = [_Reader(url, stream).load() for _ in range(3)]
    if head[:2] != [_LEGACY_MAGIC, _LEGACY_VERSION] or not head[2]["little_endian"]:
        raise ConversionError(f"{url} is no file of torch.save")
    reader = _Reader(url, stream)
    root = reader.load()
    keys = _Reader(url, stream).load()
    storages, view, at = {}, memoryview(content), stream.tell()
    for key in keys:
        count = int.from_bytes(view[at : at + _COUNT_BYTES], "little")
        end = at + _COUNT_BYTES + count * reader.dtypes[key].itemsize
        if end > len(view):
            raise ConversionError(f"{url} is cut off")
        storages[key] = view[at + _COUNT_BYTES : end]
        at = end
    return root, storages


class _Reader(pickle.Unpickler):
    """Unpickles names of the list alone; what it returns for them lives as long as the file."""

    def __init__(self, url: str, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.url, self.dtypes = url, dict[str, torch.dtype]()
        self._records: dict[str, type[Record]] = {}

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full in _CONTAINERS:
            return _CONTAINERS[full]
        if full in _TENSORS:
            return self._saved
        if full in _PARAMETERS:
            return self._parameter
        if module in ("torch", "torch.cuda") and name in _STORAGES:
            return _STORAGES[name]
        if full in _RECORDS or full.startswith(_RECORD_PACKAGES) or _is_dtype(module, name):
            return self._records.setdefault(full, type("Record", (Record,), {"of": full}))
        raise ConversionError(
            f"{self.url} asks for {full[:200]!r}, which is on no list of harmless names: it was "
            "not read further, and nothing in it was run"
        )

    def persistent_load(self, pid: Any) -> Any:
        kind, *rest = pid
        if kind == "module":  # a class with its source, in the format before zip
            return rest[0]
        dtype, key = rest[0], str(rest[1])
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise ConversionError(f"{self.url} refers to {str(kind)[:40]!r}, not to numbers")
        self.dtypes[key] = dtype
        return _Storage(key, dtype)

    def _saved(self, storage: Any, offset: Any, size: Any, stride: Any, *_rest: Any) -> _Saved:
        if not isinstance(storage, _Storage):
            raise ConversionError(f"{self.url} has a tensor without numbers")
        return _Saved(storage, int(offset), tuple(size), tuple(stride))

    def _parameter(self, data: Any, *_rest: Any) -> Any:
        return data


def _is_dtype(module: str, name: str) -> bool:
    return module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)


def _is_saved(found: Any) -> bool:
    return isinstance(found, _Saved)


def _items(found: Any) -> list[tuple[str, Any]]:
    return [(str(name), value) for name, value in found.items()] if isinstance(found, dict) else []


def _named(module: Record, prefix: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Parameters and buffers of a module and those within it, as `state_dict` names them."""
    if depth > 30:  # chosen: a pickle can hold a module that holds itself; the release has 5 levels
        raise ConversionError(f"modules lie within modules, {depth} deep: {prefix[:80]}")
    for kind in ("_parameters", "_buffers"):
        for name, value in _items(module.state.get(kind)):
            yield prefix + name, value
    for name, inner in _items(module.state.get("_modules")):
        if isinstance(inner, Record):
            yield from _named(inner, f"{prefix}{name}.", depth + 1)
