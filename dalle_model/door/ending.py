"""How a command ends by a signal: a training after the step that it is in, all else at once."""

import os
import signal
from types import FrameType

from dalle_model.door.telling import STOPPED_AT_ONCE, failed
from dalle_model.train.stopping import ask_to_stop, is_asked


class _State:
    """What the process has received."""

    received = 0


def watch() -> None:
    """Let signals end the command from now on; one that the parent ignores stays ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) not in {signal.SIG_IGN, None}:
            signal.signal(number, _on_signal)


def exit_code() -> int:
    """Of a command that a signal has ended. Source: POSIX shells, 128 + its number."""
    return 128 + (_State.received or signal.SIGINT)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    if is_asked():
        failed(STOPPED_AT_ONCE, 0)
        os._exit(exit_code())
    _State.received = _State.received or number
    if not ask_to_stop():
        raise KeyboardInterrupt
