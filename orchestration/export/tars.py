"""Tars whose bytes depend on their members alone."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

_MEMBER_MODE = 0o444  # Source: webdataset `writer.py`, `TarWriter`, default of `mode`


@contextmanager
def open_tar(stream: BinaryIO) -> Iterator[tarfile.TarFile]:
    """A tar to write; an error leaves it without its end, and the file is dropped."""
    tar = tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
    yield tar
    tar.close()


def add_member(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file of no owner and no time, so that equal samples are equal bytes."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), _MEMBER_MODE
    tar.addfile(info, io.BytesIO(content))
    # else the memory grows with every file
    tar.members.clear()  # type: ignore[attr-defined]
