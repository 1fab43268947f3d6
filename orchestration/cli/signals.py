"""How the command ends: by Ctrl-C and SIGTERM, whatever a library does with them, and by itself.

Python turns Ctrl-C into a `KeyboardInterrupt` in the main thread. Raised in a destructor or in a
callback it is printed and forgotten, and a library may catch it with all other exceptions. Here a
thread that sees every signal raises it again until the command unwinds, and ends the process at the
second signal. Finished shards are whole at any moment, so neither leaves damage. A training raises
the exception itself, after the step that it is in.
"""

import atexit
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from dalle_model.train.stopping import ask_to_stop

# Source: POSIX shells, 128 + the number of the signal.
INTERRUPTED, TERMINATED, PIPE_CLOSED = 130, 143, 141
STOPPED = "stopped; finished shards are kept, and the same command goes on from there"
# chosen: local workers and open connections are closed in less, on a busy machine too
PATIENCE_S = 5.0
PAUSE_S = 0.01  # chosen: Python has left the place that swallowed the exception
SAYING_S = 1.0  # chosen: where standard error is a pipe that is full, nothing more can be said
MAX_REPEATS = 12  # chosen: what has not unwound in a minute does not unwind
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SWALLOWED = 0  # written to the pipe where Python dropped the exception; no signal has the number
_HOOK = "hook_after_signal"
_IMPORT = ("_find_and_load", "<frozen importlib._bootstrap>")  # of any import, in CPython
_SHOW_CURSOR = "\x1b[?25h"  # a progress bar hides it


_saying = threading.Lock()


class _State:
    """What the process has received, and where it is."""

    received = 0
    is_said = False
    is_leaving = False
    pipe = -1


def watch() -> None:
    """Let the signals end the command from now on; one that the parent ignores stays ignored."""
    if _State.pipe >= 0:
        return
    read_end, _State.pipe = os.pipe()
    os.set_blocking(_State.pipe, False)
    signal.set_wakeup_fd(_State.pipe, warn_on_full_buffer=False)
    for number in _SIGNALS:
        if signal.getsignal(number) not in {signal.SIG_IGN, None}:
            signal.signal(number, _on_signal)
    sys.excepthook = _quiet_after_signal(sys.excepthook, _end_at_once)
    sys.unraisablehook = _quiet_after_signal(sys.unraisablehook, _note_swallowed)
    threading.excepthook = _quiet_after_signal(threading.excepthook, lambda _: None)
    threading.Thread(target=_insist, args=(read_end,), name="signals", daemon=True).start()


def exit_code() -> int:
    """The exit code of a command that has received a signal; 0 where it has not."""
    return 128 + _State.received if _State.received else 0


def leave(code: int) -> NoReturn:
    """End the process, once what it has said is written.

    Interpreter and libraries are not torn down. That takes a second where torch and Beam are
    loaded, in which a signal would be lost, and threads of theirs are alive. What is registered
    with `atexit` is called. Source: `multiprocessing/process.py` of CPython 3.11, `_bootstrap`,
    and `popen_fork.py`, which end their processes in this way.
    """
    _State.is_leaving = True
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError as error:
            code = PIPE_CLOSED if is_pipe_closed() else code or _unwritten(error)
    if _State.received:
        say_stopped()
    os._exit(exit_code() or code)


def say_stopped(what: str = STOPPED) -> None:
    """Say once that the command was stopped, and how it goes on.

    A second signal ends the process by another thread, which waits for what is being said.

    Args:
        what: to say.
    """
    _State.is_leaving = True  # so that no signal raises in here
    is_mine = _saying.acquire(timeout=SAYING_S)
    if not _State.is_said:
        _write(f"dalle: {what}\n")
        _State.is_said = exit_code() != 0
    if is_mine:
        _saying.release()


def is_pipe_closed() -> bool:
    """Whether what reads our output has gone, as `head` does after its lines."""
    poll = select.poll()
    for descriptor in (1, 2):
        poll.register(descriptor, 0)  # errors alone
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _unwritten(error: OSError) -> int:
    _write(f"dalle: the output cannot be written: {error.strerror}\n")
    return 1


def _on_signal(number: int, frame: FrameType | None) -> None:
    _State.received = _State.received or number
    if ask_to_stop():  # a training, which ends after a step that it saves
        return
    if _is_unsafe(frame):
        _note_swallowed(KeyboardInterrupt)
    elif not _State.is_leaving:
        raise KeyboardInterrupt


def _is_unsafe(frame: FrameType | None) -> bool:
    """Whether an exception would be swallowed again, or end the process in its own way.

    While torch is imported, its C++ calls Python from where no exception may pass: of 355 signals
    within that import two ended the process with SIGABRT (`terminate called`, torch 2.15).
    """
    while frame is not None and (frame.f_code.co_name, frame.f_code.co_filename) != _IMPORT:
        if frame.f_code.co_name == _HOOK:
            return True
        frame = frame.f_back
    return frame is not None


def _insist(pipe: int) -> None:
    """Raise the exception again where it was swallowed, or has not ended the command in time."""
    real, repeated, awaited = 0, 0, 0
    while True:
        is_ready = select.select([pipe], [], [], PATIENCE_S if real else None)[0]
        number = os.read(pipe, 1)[0] if is_ready else _SWALLOWED
        if number in _SIGNALS and awaited:
            awaited -= 1
        elif number in _SIGNALS:
            real += 1
            _State.received = _State.received or number
        elif number == _SWALLOWED:
            time.sleep(PAUSE_S)
            repeated, awaited = repeated + 1, awaited + 1
            signal.pthread_kill(threading.main_thread().ident or 0, _State.received)
        if real > 1 or repeated > MAX_REPEATS:
            _end_at_once()


def _note_swallowed(kind: type[BaseException]) -> None:
    if issubclass(kind, KeyboardInterrupt):
        with suppress(OSError):
            os.write(_State.pipe, bytes([_SWALLOWED]))


def _end_at_once(_kind: type[BaseException] | None = None) -> NoReturn:
    """The processes of workers end with this one: see `orchestration/beam/workers.py`."""
    if os.isatty(2):
        _write(_SHOW_CURSOR)
    say_stopped()
    os._exit(exit_code())


def _write(text: str) -> None:
    """On standard error, past Python's buffer, whose lock the interrupted code may hold."""
    with suppress(OSError):
        os.write(2, text.encode())


def _quiet_after_signal(
    previous: Callable[..., Any], instead: Callable[[type[BaseException]], object]
) -> Callable[..., Any]:
    """A hook that prints nothing of what an interrupted command leaves behind."""

    def hook_after_signal(first: Any, *rest: Any) -> None:
        if _State.received:
            instead(getattr(first, "exc_type", first))  # `sys.excepthook` gets the class itself
        else:
            previous(first, *rest)

    return hook_after_signal
