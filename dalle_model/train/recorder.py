"""`metrics.jsonl`: a line for each step that is recorded; a run that goes on goes on writing it.

Lines of steps behind the one from which a run goes on are cut off, so that in the end the file is
that of a run that was never stopped, but for `TIMINGS`.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from dalle_model import files
from dalle_model.train.loop import is_measured
from dalle_model.train.speed import Pace, peak_of, speed
from dalle_model.train.state import RunState
from dalle_model.training_settings import Training

FILE = "metrics.jsonl"
TIMINGS = ("seconds", "tokens_per_s", "images_per_s", "mfu")
HELD_OUT = "held_out_"  # how the names of figures begin that are measured now and then
CURVE_POINTS = 200  # chosen: one for every three pixels of a report's plot

Line = dict[str, Any]


class Recorder:
    """Writes a line after a step; a `dalle_model.train.loop.Hook`.

    Args:
        url: of the file.
        settings: of the training.
        pace: of the training.
        listeners: called with each line.
    """

    def __init__(
        self,
        url: str,
        settings: Training,
        pace: Pace,
        listeners: Sequence[Callable[[Line], None]] = (),
    ) -> None:
        self._url, self._settings, self._pace = url, settings, pace
        self._listeners = listeners
        self._has_begun = False
        self._rows, self._seconds = 0, 0.0  # since the last line
        self._unwritten: list[Line] = []

    def __call__(self, state: RunState) -> None:
        if not self._has_begun:
            cut_off(self._url, state.step)
            self._has_begun = True
        self._rows, self._seconds = self._rows + state.rows, self._seconds + state.seconds
        settings, step = self._settings, state.step
        if step % settings.record_every == 0 or is_measured(step, settings):
            self._record(state)
        is_due = step % settings.checkpoint_every == 0 or step == settings.steps
        if is_due or files.is_local(self._url):  # an object is written anew each time
            self.close()

    def close(self) -> None:
        """Write the lines that are left."""
        if self._unwritten:
            files.append(self._url, b"".join(map(_encoded, self._unwritten)))
            self._unwritten = []

    def _record(self, state: RunState) -> None:
        peak = peak_of(state.task.model)
        state.speed = speed(self._pace, self._rows, self._seconds, peak)
        found = line_of(state, is_measured(state.step, self._settings))
        line = found | {"seconds": self._seconds} | state.speed
        self._rows, self._seconds = 0, 0.0
        self._unwritten.append(line)
        for listener in self._listeners:
            listener(line)


def line_of(state: RunState, has_measured: bool) -> Line:
    """What is said of a step, but for its timings.

    Args:
        state: after the step.
        has_measured: whether figures of what is held out are of this step; else they are left out.
    """
    measured = {
        name: value
        for name, value in state.recent.items()
        if name not in state.figures and (has_measured or not name.startswith(HELD_OUT))
    }
    rates = [group["lr"] for optimizer in state.task.optimizers for group in optimizer.param_groups]
    return {
        "step": state.step,
        "rows": state.position,
        **state.figures,
        "learning_rate": rates[0],
        **({"matrix_rate": rates[-1]} if len(state.task.optimizers) > 1 else {}),
        **measured,
    }


def cut_off(url: str, step: int) -> None:
    """Leave the lines of the steps before one: what follows them is written again."""
    if not files.exists(url):
        return
    kept = [line for line in read_lines(url) if line["step"] < step]
    files.write_bytes(url, b"".join(map(_encoded, kept)))


def read_lines(url: str) -> list[Line]:
    """The lines of the file that are whole; none where it is not there."""
    if not files.exists(url):
        return []
    lines = []
    for text in files.read_bytes(url).splitlines():
        try:
            line = json.loads(text)
        except ValueError:  # that of a process which was killed while it wrote
            continue
        lines.append(line)
    return lines


def curves(lines: Sequence[Line]) -> list[Line]:
    """At most `CURVE_POINTS` lines without timings: means of as many that follow each other.

    Step and rows are those of the last of them.
    """
    size = -(-len(lines) // CURVE_POINTS)
    return [_mean(lines[n : n + size]) for n in range(0, len(lines), max(1, size))]


def _mean(lines: Sequence[Line]) -> Line:
    names = dict.fromkeys(name for line in lines for name in line if name not in TIMINGS)
    found = {name: [line[name] for line in lines if name in line] for name in names}
    means = {name: sum(values) / len(values) for name, values in found.items()}
    return means | {name: lines[-1][name] for name in ("step", "rows")}


def _encoded(line: Line) -> bytes:
    return json.dumps(line).encode() + b"\n"
