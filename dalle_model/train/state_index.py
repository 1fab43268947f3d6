"""The index of a run's tensors, a pickle of torch.distributed.checkpoint, read as data.

A pickle is a program, and torch's own reader runs it. So an index is read only if its SHA-256 is
that of a list, which the caller keeps; it is unpickled from the very bytes that were hashed; and it
may name nothing but what an index of tensors consists of. Tensors themselves are read by torch's
unpickler of weights.
"""

import io
import pickle
from dataclasses import dataclass
from typing import Any

import torch
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import Metadata, StorageMeta

from dalle_model import files
from dalle_model.checkpoint import CheckpointError

INDEX = ".metadata"  # Source: torch `distributed/checkpoint/filesystem.py`, `_metadata_fn`
_NAMES = {  # of what an index of tensors holds
    *(
        ("torch.distributed.checkpoint.metadata", name)
        for name in (
            *("Metadata", "MetadataIndex", "StorageMeta", "TensorStorageMetadata"),
            *("TensorProperties", "ChunkStorageMetadata", "_MEM_FORMAT_ENCODING"),
        )
    ),
    ("torch.distributed.checkpoint.filesystem", "_StorageInfo"),
    ("torch.serialization", "_get_layout"),
    ("torch", "Size"),
    ("pathlib", "PosixPath"),
    ("pathlib", "WindowsPath"),
}


class DamagedFileError(CheckpointError):
    """A file of a checkpoint is not the one that was written: which, and how it differs."""


@dataclass(frozen=True)
class Written:
    """A file as it was written.

    Args:
        bytes: its size.
        sha256: in hexadecimal.
    """

    bytes: int
    sha256: str


def check(url: str, found: Written, expected: Written) -> None:
    """Raise DamagedFileError where a file is not the one that was written."""
    if found.bytes != expected.bytes:
        raise DamagedFileError(f"{url} has {found.bytes} bytes, not {expected.bytes}")
    if found.sha256 != expected.sha256:
        raise DamagedFileError(
            f"{url} hashes to {found.sha256[:16]}, not to {expected.sha256[:16]}"
        )


class StateReader(FileSystemReader):
    """torch's reader of a folder, with its index read as data.

    Args:
        folder: on a disk.
        index: as it was written.
    """

    def __init__(self, folder: str, index: Written) -> None:
        super().__init__(folder)
        self._index = index

    def read_metadata(self, *_args: Any, **_named: Any) -> Metadata:
        """The index, as torch's own reader returns it.

        Raises:
            DamagedFileError: it is not the one that was written.
            CheckpointError: it names what no index holds.
        """
        url = files.join(str(self.path), INDEX)
        content = files.read_bytes(url)
        check(url, Written(len(content), files.sha256(content)), self._index)
        metadata: Metadata = _IndexUnpickler(url, content).load()
        metadata.storage_meta = metadata.storage_meta or StorageMeta()
        metadata.storage_meta.load_id = self.load_id
        return metadata


class _IndexUnpickler(pickle.Unpickler):
    def __init__(self, url: str, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self._url = url

    def find_class(self, module: str, name: str) -> Any:
        is_dtype = module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)
        if is_dtype or (module, name) in _NAMES:
            return super().find_class(module, name)
        raise CheckpointError(
            f"{self._url} asks for {module[:80]}.{name[:80]}, which no index of tensors holds: it "
            "was not read further, and nothing in it was run"
        )
