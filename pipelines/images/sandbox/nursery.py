"""`python -m pipelines.images.sandbox.nursery`: a clean process that forks decoders for a worker.

A process that has imported everything and read no stranger's byte is quickly copied: a decoder that
crashed is replaced in some milliseconds. The worker asks for a decoder, and for how one ended, over
one socket; when that closes, the nursery and all its decoders end.
"""

import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import NoReturn

from pipelines.images.config import ImagesConfig
from pipelines.images.measure import Measured
from pipelines.images.rules import Reason, UnusableImageError
from pipelines.images.sandbox import protocol
from pipelines.images.sandbox.control import ASK, ENDED, FORK, FORKED, KILL
from pipelines.images.sandbox.warm import keep_memory, warm_up
from pipelines.io.lockdown import end_with_parent, lock_down
from pipelines.rejection import Check

# For a decoder that closed its socket of its own accord. Chosen: far more than a crash takes.
PATIENCE_S = 2.0
Measure = Callable[[bytes, ImagesConfig, bool], Measured]

_MIB = 1 << 20
# Of pixels to decode, in bytes a pixel. Chosen: colour with alpha takes 20 in Pillow, as five
# copies; a quarter of that more.
_BYTES_PER_PIXEL, _LEAST_MEMORY = 25, 512 * _MIB


def main(control: socket.socket, work: str) -> None:
    """Fork decoders until the worker has gone.

    Args:
        control: to the worker.
        work: what a decoder calls with each image, as `module:function`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warmed: set[str] = set()
    living: set[int] = set()
    try:
        while ask := control.recv(ASK.size, socket.MSG_WAITALL):
            what, number = ASK.unpack(ask)
            if what == FORK:
                config = ImagesConfig.model_validate_json(_received(control, number))
                if config.resample not in warmed:
                    warm_up(config)
                    gc.collect()
                    gc.freeze()  # a collection in a decoder would copy all that was imported
                    warmed.add(config.resample)
                living.add(_fork(control, config, work))
            else:
                living.discard(number)
                patience_s = 0.0 if what == KILL else PATIENCE_S
                control.sendall(ENDED.pack(_ended(number, patience_s)))
    except (BrokenPipeError, ConnectionResetError, protocol.ProtocolError):
        return  # the worker has gone in the middle of a word, as by Ctrl-C
    finally:
        for pid in living:
            os.kill(pid, signal.SIGKILL)


def _fork(control: socket.socket, config: ImagesConfig, work: str) -> int:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pid = os.fork()
        if not pid:
            _decode_for_ever(ours, config, work)
        socket.send_fds(control, [FORKED.pack(pid)], [theirs.fileno()])
    return pid


def _ended(pid: int, patience_s: float) -> int:
    """How a decoder ended, which is killed unless it has."""
    deadline = time.monotonic() + patience_s
    ended, status = os.waitpid(pid, os.WNOHANG)
    while not ended and time.monotonic() < deadline:
        time.sleep(0.001)
        ended, status = os.waitpid(pid, os.WNOHANG)
    if not ended:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _decode_for_ever(line: socket.socket, config: ImagesConfig, work: str) -> NoReturn:
    """What a decoder does: lock itself down, then answer until the worker has gone."""
    try:
        end_with_parent()
        module, _, name = work.partition(":")
        measure = getattr(import_module(module), name)
        only_line = os.dup2(line.fileno(), 3)
        os.closerange(only_line + 1, os.sysconf("SC_OPEN_MAX"))
        with socket.socket(fileno=only_line) as line:
            lock_down(max(_LEAST_MEMORY, _BYTES_PER_PIXEL * config.max_pixels))
            counted = time.process_time()
            while True:
                encoded, compares = protocol.read_request(lambda size: _received(line, size))
                outcome = _outcome(measure, encoded, config, compares)
                before, counted = counted, time.process_time()  # sending is counted with the next
                answer = protocol.Answer(outcome, counted - before)
                for part in protocol.pack_answer(answer):
                    line.sendall(part)
    finally:
        os._exit(0 if sys.exc_info()[0] in (None, protocol.ProtocolError) else 1)


def _outcome(
    measure: Measure, encoded: bytes, config: ImagesConfig, compares: bool
) -> Measured | Check:
    try:
        return measure(encoded, config, compares)
    except UnusableImageError as error:
        return error.check
    except MemoryError:
        return UnusableImageError(Reason.OUT_OF_MEMORY).check
    except RuntimeError as error:  # torch's, for want of memory
        if "allocate memory" not in str(error):
            raise
        return UnusableImageError(Reason.OUT_OF_MEMORY).check


def _received(line: socket.socket, size: int) -> bytearray:
    content = bytearray(size)
    view = memoryview(content)
    while view:
        count = line.recv_into(view)
        if not count:
            raise protocol.ProtocolError("the worker has gone")
        view = view[count:]
    return content


if __name__ == "__main__":
    keep_memory()
    with socket.socket(fileno=int(sys.argv[1])) as to_worker:
        main(to_worker, sys.argv[2])
