"""The worker's end of the line to a nursery: asks for decoders, and how they ended."""

import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from threading import Lock

import pipelines
from pipelines.images.config import ImagesConfig

FORK, END, KILL = b"F", b"E", b"K"
ASK = struct.Struct("<cI")  # what; the bytes of the config, or the number of a process
FORKED = struct.Struct("<I")  # the number of the process; its socket comes with it
ENDED = struct.Struct("<i")  # as `os.waitstatus_to_exitcode` has it
MODULE = "pipelines.images.sandbox.nursery"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
START_S = 120.0  # for a nursery, which imports torch; chosen: a disk that is slow and cold
STOP_S = 5.0  # chosen: it has nothing to write


class Nursery:
    """A child process that forks decoders; used by the threads of a worker in turn.

    Args:
        work: what a decoder calls with each image, as `module:function`.
    """

    def __init__(self, work: str) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", MODULE]
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), work],
                pass_fds=[theirs.fileno()],
                env=os.environ | ONE_THREAD | {"PYTHONPATH": _python_path()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the worker's to hear
            )
        ours.settimeout(START_S)
        self._control, self._lock = ours, Lock()

    def fork(self, config: ImagesConfig) -> tuple[int, socket.socket]:
        """A new decoder: the number of its process, and the line to it.

        Raises:
            OSError: the nursery has gone.
        """
        settings = config.model_dump_json().encode()
        with self._lock:
            self._control.sendall(ASK.pack(FORK, len(settings)) + settings)
            reply, descriptors, *_ = socket.recv_fds(self._control, FORKED.size, 1)
        if not descriptors:
            raise ConnectionError("the nursery has gone")
        return FORKED.unpack(reply)[0], socket.socket(fileno=descriptors[0])

    def end(self, pid: int, at_once: bool = False) -> int:
        """End a decoder, unless it has; how it ended, as a negative signal or an exit code.

        Args:
            pid: the number of its process.
            at_once: whether it is not waited for until it ends by itself.
        """
        with self._lock:
            self._control.sendall(ASK.pack(KILL if at_once else END, pid))
            reply = self._control.recv(ENDED.size, socket.MSG_WAITALL)
        if len(reply) < ENDED.size:
            raise ConnectionError("the nursery has gone")
        return int(ENDED.unpack(reply)[0])

    def close(self) -> None:
        """End it and its decoders."""
        self._control.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _python_path() -> str:
    """What `PYTHONPATH` is here, behind the folder that these very modules come from."""
    root = str(Path(pipelines.__path__[0]).parent)
    return os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
