"""Processes that encode the shards of one machine, each with a model of its own.

A worker is the same command again, which reads the numbers of shards from its standard input and
says on its standard output what it has done. It ends when that input does: with the process that
started it, however that ends.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread

from dalle_model.errors import DalleError
from pipelines.encode.alone.progress import Progress
from pipelines.encode.alone.work import OnRows

_ROWS, _DONE, _END = "rows", "done", "end"


class WorkerError(DalleError):
    """A worker process was killed: perhaps for lack of memory."""


class FailedWorkerError(DalleError):
    """A worker has failed, and has said why.

    Args:
        code: its exit code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"a worker ended with the exit code {code}")
        self.code = code


def encode_in_workers(
    command: Sequence[str], number: int, shards: Sequence[int], progress: Progress
) -> None:
    """Have shards encoded by workers, each of which takes the next one when it is done with one.

    Args:
        command: that starts a worker.
        number: of workers.
        shards: their numbers.
        progress: is told.

    Raises:
        FailedWorkerError: a worker ended by an error; all are ended then.
        WorkerError: one was killed; likewise.
    """
    waiting: SimpleQueue[int] = SimpleQueue()
    for index in shards:
        waiting.put(index)
    ended: SimpleQueue[_Worker] = SimpleQueue()
    count = min(number, len(shards))
    workers = [_Worker(command, waiting, ended, progress) for _ in range(count)]
    try:
        for _ in workers:
            _check(ended.get().code)
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """One process, and the thread that talks with it."""

    def __init__(
        self,
        command: Sequence[str],
        waiting: SimpleQueue[int],
        ended: "SimpleQueue[_Worker]",
        progress: Progress,
    ) -> None:
        self._waiting, self._ended, self._progress = waiting, ended, progress
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._thread = Thread(target=self._talk, name="worker", daemon=True)
        self._thread.start()

    @property
    def code(self) -> int:
        """The exit code, once it has ended."""
        return self._process.wait()

    def end(self) -> None:
        """End the process at once, which leaves nothing but whole files and a hidden one."""
        self._process.kill()
        self._thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            with suppress(BrokenPipeError):
                pipe.close()

    def _talk(self) -> None:
        with suppress(BrokenPipeError):
            while (index := self._next()) is not None:
                if not self._do(index):
                    break
            else:
                self._send(_END)
        self._process.wait()
        self._ended.put(self)

    def _next(self) -> int | None:
        try:
            return self._waiting.get_nowait()
        except Empty:
            return None

    def _do(self, index: int) -> bool:
        """Whether the worker has done a shard."""
        self._send(str(index))
        assert self._process.stdout
        for line in self._process.stdout:
            what, _, count = line.partition(" ")
            if what == _DONE:
                self._progress.shard()
                return True
            self._progress.rows(int(count))
        return False

    def _send(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()


def _check(code: int) -> None:
    if code > 0:
        raise FailedWorkerError(code)
    if code < 0:
        raise WorkerError(
            f"a worker process was killed by signal {-code}, perhaps for lack of memory; give the "
            "same command again with fewer --workers: finished shards are kept"
        )


def serve(encode: Callable[[int, OnRows], None]) -> None:
    """Be a worker: encode the shards whose numbers come in, until no more can come.

    Args:
        encode: a shard; tells of rows.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    for index in _asked():
        encode(index, lambda count: _say(f"{_ROWS} {count}"))
        _say(f"{_DONE} {index}")


def _asked() -> Iterator[int]:
    """The numbers that come in; the process ends where they end without a word."""
    numbers: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            numbers.put(line.strip())
            if line.strip() == _END:
                return
        os._exit(1)

    Thread(target=listen, name="parent", daemon=True).start()
    while (asked := numbers.get()) != _END:
        yield int(asked)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
