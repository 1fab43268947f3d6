"""One writer at a time in a run directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dalle_model import files
from orchestration.engine.plan import RunError
from pipelines.io.layout import RunFolder


@contextmanager
def only_writer(root: str) -> Iterator[None]:
    """Hold the run directory; a lock on the folder itself leaves no file behind.

    Raises:
        RunError: another run holds it.
    """
    if not files.is_local(root):
        yield
        return
    folder = Path(root.removeprefix("file://"))
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, root)
        yield
    finally:
        os.close(descriptor)


def check_no_removal(root: str) -> None:
    """Refuse a run directory in which a removal of rows was begun and not finished.

    Raises:
        RunError: with the command that finishes it.
    """
    if files.exists(RunFolder(root).removal):
        raise RunError(
            f"{root}: rows were being removed when a command ended; `dalle remove --dir {root}` "
            "finishes that"
        )


def _lock(descriptor: int, root: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunError(f"another run is at work in {root}; wait for it, or use --dir") from error
