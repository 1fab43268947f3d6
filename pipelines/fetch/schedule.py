"""Schedules work over many hosts: a slow host delays its own images and no others."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipelines.fetch.streaks import Streak

Job = TypeVar("Job")
Result = TypeVar("Result")


class HostQueues(Generic[Job]):
    """Jobs queued by host, handed out round-robin within a limit for each host.

    Args:
        jobs: `(host, job)`; the order within a host is kept.
        per_host: jobs of one host that may run at once.
        is_left_out: whether a job of a host, when its turn comes, is not to be done after all.
    """

    def __init__(
        self,
        jobs: Iterable[tuple[str, Job]],
        per_host: int,
        is_left_out: Callable[[str, Job], bool] = lambda *_: False,
    ) -> None:
        self._per_host, self._is_left_out = per_host, is_left_out
        self._waiting: dict[str, deque[Job]] = {}
        self._active: dict[str, int] = {}
        for host, job in jobs:
            self._waiting.setdefault(host, deque()).append(job)
        self._ready = deque(self._waiting)  # hosts with a job and a free slot, once each

    def take(self) -> tuple[str, Job] | None:
        """The next job with its host; None while every host is empty or at its limit."""
        while self._ready:
            host = self._ready.popleft()
            waiting = self._waiting[host]
            while waiting and self._is_left_out(host, waiting[0]):
                waiting.popleft()
            if not waiting:
                continue
            job = waiting.popleft()
            self._active[host] = self._active.get(host, 0) + 1
            if self._has_room(host):
                self._ready.append(host)
            return host, job
        return None

    def finish(self, host: str) -> None:
        """Record that one job of a host has ended."""
        had_room = self._has_room(host)
        self._active[host] -= 1
        if not had_room and self._has_room(host):
            self._ready.append(host)

    def _has_room(self, host: str) -> bool:
        return bool(self._waiting[host]) and self._active.get(host, 0) < self._per_host


async def run_by_host(
    jobs: Iterable[tuple[str, Job]],
    work: Callable[[Job], Awaitable[Result]],
    concurrency: int,
    per_host: int,
    outages: "Outages[Job, Result] | None" = None,
    known: Mapping[Job, Result] | None = None,
) -> dict[Job, Result]:
    """Do each job once, unless its host is put aside, and return the results by job.

    A host is put aside after the first outages in a row, in the order given. Every later job of it
    is left out, even where it had begun by then: so the results depend on those of the jobs alone,
    and not on which of them is quicker.

    Args:
        jobs: `(host, job)`, jobs distinct.
        work: of one job.
        concurrency: jobs that may run at once.
        per_host: jobs of one host that may run at once.
        outages: what puts a host aside; None for nothing.
        known: results of jobs that are not done again.

    Raises:
        Exception: the first that `work` raises; the running jobs are cancelled.
    """
    outages = outages or Outages(lambda _: False, 0)
    return await _Round(jobs, work, concurrency, per_host, outages, known or {}).run()


@dataclass(frozen=True)
class Outages(Generic[Job, Result]):
    """What puts a host aside.

    Args:
        is_outage: whether a result speaks against the host.
        most: in a row; 0 for no limit.
        series: the jobs of a host that have the same one are a row, and are put aside together.
    """

    is_outage: Callable[[Result], bool]
    most: int
    series: Callable[[Job], Hashable] = lambda _: None


class _Round(Generic[Job, Result]):
    """One call of `run_by_host`."""

    def __init__(
        self,
        jobs: Iterable[tuple[str, Job]],
        work: Callable[[Job], Awaitable[Result]],
        concurrency: int,
        per_host: int,
        outages: Outages[Job, Result],
        known: Mapping[Job, Result],
    ) -> None:
        listed = list(jobs)
        self._outages, self._work, self._concurrency = outages, work, concurrency
        self._streaks: dict[tuple[str, Hashable], Streak[Job]] = {}
        for host, job in listed:
            key = host, outages.series(job)
            self._streaks.setdefault(key, Streak(outages.most)).expect(job)
        self._results: dict[Job, Result] = {job: known[job] for _, job in listed if job in known}
        for host, job in listed:
            if job in known:
                self._record(host, job)
        unknown = (pair for pair in listed if pair[1] not in known)
        self._queues = HostQueues(unknown, per_host, self._is_left_out)
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> dict[Job, Result]:
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._start()
        try:
            await self._ended
        finally:
            for task in self._running:
                task.cancel()
        late = (job for streak in self._streaks.values() for job in streak.left_out())
        for job in late:
            self._results.pop(job, None)
        return self._results

    def _start(self) -> None:
        """Start what may run now, or end the round where nothing runs any more."""
        while len(self._running) < self._concurrency and (taken := self._queues.take()):
            task = asyncio.create_task(self._do(*taken))
            self._running.add(task)
            task.add_done_callback(self._go_on)
        if not self._running and not self._ended.done():
            self._ended.set_result(None)

    async def _do(self, host: str, job: Job) -> None:
        self._results[job] = await self._work(job)
        self._record(host, job)
        self._queues.finish(host)

    def _record(self, host: str, job: Job) -> None:
        is_outage = self._outages.is_outage(self._results[job])
        self._streaks[host, self._outages.series(job)].record(job, is_outage)

    def _is_left_out(self, host: str, job: Job) -> bool:
        return self._streaks[host, self._outages.series(job)].is_broken_off

    def _go_on(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._ended.done() or task.cancelled():
            return
        if error := task.exception():
            self._ended.set_exception(error)
        else:
            self._start()
