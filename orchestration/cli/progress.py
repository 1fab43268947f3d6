"""What a person sees while a run is at work: one line a stage, and a bar on what takes long."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from orchestration.engine.limits import reasons_of_many
from pipelines.io.manifest import Manifest
from pipelines.io.task import StageTask
from pipelines.stage import Stage

POLL_S = 0.5  # chosen: a bar that moves twice a second seems to move by itself
# A poll lists all shards, a request for each 1,000 on a store: the next one waits this many times
# as long as it took. Chosen: an eleventh of one thread's time at most.
POLL_PAUSES = 10
NAME_WIDTH = 10
PULSE_S = 5.0  # chosen: a stage may list many folders for it; the pause above holds too
PLAIN_LINE_S = 10  # chosen: a line in a log that often, where there is no terminal to draw in


class _Rate(ProgressColumn):
    """Steps or shards a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


class TerminalProgress:
    """Writes to standard error; bars where it is a terminal, plain lines where it is not."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._bars: Bars | None = None
        self._bar: TaskID | None = None
        self._watched: tuple[Stage, StageTask, int] | None = None
        self._first_step = -1
        self._began = self._told = time.monotonic()
        self._stop = threading.Event()
        self._pulse, self._next_pulse = "", 0.0

    @contextmanager
    def stage(self, name: str, why: str = "") -> Iterator[None]:
        """Show a stage at work until the block ends, below why it is."""
        if why:
            self._console.print(f"{name:<{NAME_WIDTH}} [dim]{why}[/dim]")
        bars = Bars(
            SpinnerColumn(),
            TextColumn(f"{name:<{NAME_WIDTH - 2}}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            _Rate(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._stop = threading.Event()
        self._first_step, self._told = -1, time.monotonic()
        self._pulse, self._next_pulse = "", 0.0
        with bars:
            self._bars, self._bar = bars, bars.add_task(name, total=None, note="")
            watcher = threading.Thread(target=self._watch, daemon=True)
            watcher.start()
            try:
                yield
            finally:
                self._stop.set()
                watcher.join()
                self._bars, self._bar, self._watched = None, None, None

    def shards(self, stage: Stage, task: StageTask, finished: int) -> None:
        """Follow the shards of a stage by their progress markers, on any runner."""
        total = finished + len(task.pending)
        self._watched = stage, task, total
        if finished:
            self._console.print(
                f"{'':<{NAME_WIDTH}} [dim]{finished} of {total} shards were finished before[/dim]"
            )
        self._update(finished, total, "shards")

    def step(self, step: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
        """A step of a training or of a sampling is done."""
        note = "  ".join(f"{name} {_short(value)}" for name, value in (metrics or {}).items())
        self._update(step, total, note)

    def say(self, text: str) -> None:
        """A line of its own."""
        self._console.print(text)

    def skipped(self, name: str, why: str, manifest: Manifest) -> None:
        """A stage that was up to date."""
        rows = f", {manifest.rows_out:,} rows" if manifest.num_shards else ""
        self._console.print(f"{name:<{NAME_WIDTH}} [dim]{why}{rows}[/dim]")

    def finished(self, manifest: Manifest, timings: dict[str, Any]) -> None:
        """A stage that has just been done."""
        wall, cpu = timings.get("wall_s", 0.0), timings.get("cpu_s", 0.0)
        seconds = f"{wall:.1f} s, {cpu:.1f} CPU s"
        if not manifest.num_shards:
            facts = "  ".join(
                f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                for name, value in manifest.metrics.items()
                if isinstance(value, int | float | str)
            )
            self._console.print(f"{manifest.stage:<{NAME_WIDTH}} {facts}  ({seconds})")
            return
        rate = manifest.rows_in / wall if wall else 0.0
        self._console.print(
            f"{manifest.stage:<{NAME_WIDTH}} {manifest.rows_in:>9,} in {manifest.rows_out:>9,} out "
            f"{manifest.rows_in - manifest.rows_kept:>8,} dropped  ({seconds}, {rate:,.0f} rows/s)"
        )
        if reused := timings.get("rows_reused", 0):
            of_all = f"{reused:,} of {manifest.rows_in:,} rows reused from earlier results"
            self._console.print(f"{'':<{NAME_WIDTH}} [dim]{of_all}[/dim]")
        if manifest.rows_added:
            of_those = f"{manifest.rows_out:,} rows out are of {manifest.rows_kept:,} that came in"
            self._console.print(f"{'':<{NAME_WIDTH}} [dim]{of_those}[/dim]")
        self._beside(manifest)

    def _beside(self, manifest: Manifest) -> None:
        """Why many rows were dropped, what was no row, and what a person should look at."""
        if reasons := reasons_of_many(manifest):
            self._console.print(f"{'':<{NAME_WIDTH}} [dim]dropped: {reasons}[/dim]")
        counts = sorted(manifest.passed_over.items(), key=lambda item: (-item[1], item[0]))
        if counts:
            kinds = ", ".join(f"{count:,} {what}" for what, count in counts)
            self._console.print(f"{'':<{NAME_WIDTH}} [dim]passed over: {kinds}[/dim]")
        if manifest.metrics:
            tallies = ", ".join(f"{n:,} {what.replace('_', ' ')}" for what, n in _tallies(manifest))
            self._console.print(f"{'':<{NAME_WIDTH}} [dim]counted: {tallies}[/dim]")
        for warning in manifest.warnings:
            self._console.print(f"{'':<{NAME_WIDTH}} {escape(warning)}", style="yellow")

    def _update(self, done: int, total: int, note: str) -> None:
        if self._bars is None or self._bar is None:
            return
        self._bars.update(self._bar, completed=done, total=total, note=note)
        if self._first_step < 0:
            self._first_step, self._began = done, time.monotonic()
        if not self._console.is_terminal and time.monotonic() - self._told > PLAIN_LINE_S:
            self._told = time.monotonic()
            line = f"{done} of {total}  {note}{self._left(done, total)}"
            self._console.print(f"{'':<{NAME_WIDTH}} [dim]{line}[/dim]")

    def _left(self, done: int, total: int) -> str:
        """Rate and time left, for a line of a log; what came before the first step is left out."""
        steps, passed = done - self._first_step, time.monotonic() - self._began
        if steps < 1 or not passed:
            return ""
        return f"  {steps / passed:.1f}/s, {passed / steps * (total - done):.0f} s left"

    def _watch(self) -> None:
        pause = POLL_S
        while not self._stop.wait(pause):
            began = time.monotonic()
            if self._watched is not None:
                stage, task, total = self._watched
                done = len(task.folder.markers())
                self._update(done, total, self._note(stage, task))
            pause = pause_after(time.monotonic() - began)

    def _note(self, stage: Stage, task: StageTask) -> str:
        """What the shards are, and what the stage says of the work under way."""
        if time.monotonic() >= self._next_pulse:
            self._next_pulse = time.monotonic() + PULSE_S
            self._pulse = stage.pulse(task.folder)
        return f"shards, {self._pulse}" if self._pulse else "shards"


def pause_after(poll_s: float) -> float:
    """Seconds to wait after a poll that took `poll_s` seconds."""
    return max(POLL_S, POLL_PAUSES * poll_s)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3f}"


def _tallies(manifest: Manifest) -> list[tuple[str, int]]:
    return [(name, value) for name, value in manifest.metrics.items() if isinstance(value, int)]
