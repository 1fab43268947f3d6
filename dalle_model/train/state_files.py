"""Tensors of a run as files of a folder: each rank writes its own, and any number of ranks reads.

The files are those of torch.distributed.checkpoint. None is opened before its size and SHA-256 are
those of a list, which the caller keeps; `state_index.py` says why.
"""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.distributed import ProcessGroup
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from dalle_model import files
from dalle_model.checkpoint import CheckpointError
from dalle_model.train.ranks import number_of, on_each, rank_in
from dalle_model.train.state_index import (
    INDEX,
    DamagedFileError,
    StateReader,
    Written,
    check,
)

_SINGLE = "torch.distributed is disabled"  # a warning: one process is what is meant


def write_tensors(
    folder: str, tensors: Mapping[str, Tensor], group: ProcessGroup | None
) -> dict[str, Written]:
    """Write tensors on the CPU into a folder; all ranks call it with the same names.

    On a disk, which all ranks share, they are there and synced at the end. For an object store each
    rank collects its own on its machine's disk and sends them.

    Returns:
        The files of all ranks by name.

    Raises:
        OSError: such as that of a full disk, on all ranks.
    """
    with _work_folder(folder) as work:
        writer = FileSystemWriter(work)
        _together(folder, partial(save, dict(tensors), storage_writer=writer), group)
        of_ranks = on_each(group, partial(_send_own, work, folder, rank_in(group)))
    return {name: written for own in of_ranks for name, written in sorted(own.items())}


def read_tensors(
    folder: str,
    expected: Mapping[str, Written],
    tensors: dict[str, Tensor],
    group: ProcessGroup | None,
) -> None:
    """Read tensors into those given, whatever the number of ranks that wrote them.

    Args:
        folder: that was written.
        expected: its files.
        tensors: are overwritten in place.
        group: of all ranks.

    Raises:
        DamagedFileError: a file is not as it was written; no tensor is changed.
        CheckpointError: it holds tensors of other names or shapes; no tensor is changed.
    """
    with _whole(folder, expected, group) as work:
        reader = StateReader(work, expected[INDEX])
        if difference := _difference(reader.read_metadata(), tensors):
            raise CheckpointError(
                f"{folder} holds other tensors than this version trains: {difference}; go on with "
                "the version that wrote it, or delete the folder above it to begin anew"
            )
        _together(folder, partial(load, tensors, storage_reader=reader), group)


@contextmanager
def _work_folder(folder: str) -> Iterator[str]:
    """A folder on a disk: the very one, or for an object store a scratch of this rank."""
    if files.is_local(folder):
        yield files.local_path(folder)
        return
    with tempfile.TemporaryDirectory(prefix=files.TEMPORARY_PREFIX) as work:
        yield work


def _send_own(work: str, folder: str, rank: int) -> dict[str, Written]:
    """Send the files of one rank where they belong, if they are not there, and describe them."""
    # Source: torch `distributed/checkpoint/filesystem.py`, `_StoragePrefix` and `finish`
    sizes = {
        name: size
        for name, size in files.list_sizes(work).items()
        if name.startswith(f"__{rank}_") or (rank == 0 and name == INDEX)
    }
    if not files.is_local(folder):
        for name in sizes:
            with (
                Path(work, name).open("rb") as own,
                files.writing(files.join(folder, name)) as sent,
            ):
                shutil.copyfileobj(own, sent)
    return {
        name: Written(size, files.sha256_of(files.join(work, name))) for name, size in sizes.items()
    }


@contextmanager
def _whole(
    folder: str, expected: Mapping[str, Written], group: ProcessGroup | None
) -> Iterator[str]:
    """A folder on a disk whose files are all as expected.

    On a disk the ranks share the hashing. From an object store each rank has a copy of all files,
    on its machine's disk for as long as it reads.
    """
    with _work_folder(folder) as work:
        share = sorted(expected)
        if files.is_local(folder):
            share = share[rank_in(group) :: number_of(group)]
        on_each(group, partial(_fetch_and_check, folder, work, {n: expected[n] for n in share}))
        yield work


def _fetch_and_check(folder: str, work: str, expected: Mapping[str, Written]) -> None:
    for name, written in expected.items():
        url, copy = files.join(folder, name), files.join(work, name)
        try:
            if not files.is_local(folder):
                filesystem, path = files.url_to_fs(url)
                filesystem.get_file(path, copy)
            found = Written(Path(copy).stat().st_size, files.sha256_of(copy))
        except (FileNotFoundError, IsADirectoryError) as error:
            raise DamagedFileError(f"{url} is missing") from error
        check(url, found, written)


def _difference(metadata: Metadata, tensors: Mapping[str, Tensor]) -> str:
    """In which names and shapes saved tensors are not those given, in words; empty if in none."""
    saved = {
        name: tuple(entry.size)
        for name, entry in metadata.state_dict_metadata.items()
        if isinstance(entry, TensorStorageMetadata)
    }
    needed = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = sorted(n for n in saved.keys() | needed.keys() if saved.get(n) != needed.get(n))
    if not wrong:
        return ""
    name = wrong[0]
    return (
        f"{len(wrong)} differ, first {name:.80}: it has {saved.get(name, 'none')}, "
        f"needed is {needed.get(name, 'none')}"
    )


def _together(folder: str, work: Callable[..., Any], group: ProcessGroup | None) -> None:
    """Call a function of torch.distributed.checkpoint on all ranks; raises what one of them did."""
    warnings.filterwarnings("ignore", _SINGLE, UserWarning)
    try:
        work(process_group=group)
    except CheckpointException as failed:  # no Exception, and shows nothing but tracebacks
        error = next(iter(failed.failures.values()))[0]
        if isinstance(error, OSError) and error.filename is None:
            error.filename = folder  # a full disk names no file
        raise error from None
