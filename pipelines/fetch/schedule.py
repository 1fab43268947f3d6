"""Schedules work over many hosts: a slow host delays its own images and no others."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


class HostQueues(Generic[Job]):
    """Jobs queued by host, handed out round-robin within a limit for each host.

    Args:
        jobs: `(host, job)`; the order within a host is kept.
        per_host: jobs of one host that may run at once.
    """

    def __init__(self, jobs: Iterable[tuple[str, Job]], per_host: int) -> None:
        self._per_host = per_host
        self._waiting: dict[str, deque[Job]] = {}
        self._active: dict[str, int] = {}
        for host, job in jobs:
            self._waiting.setdefault(host, deque()).append(job)
        self._ready = deque(self._waiting)  # hosts with a job and a free slot, once each

    def take(self) -> tuple[str, Job] | None:
        """The next job with its host; None while every host is empty or at its limit."""
        if not self._ready:
            return None
        host = self._ready.popleft()
        job = self._waiting[host].popleft()
        self._active[host] = self._active.get(host, 0) + 1
        if self._has_room(host):
            self._ready.append(host)
        return host, job

    def finish(self, host: str) -> None:
        """Record that one job of a host has ended."""
        had_room = self._has_room(host)
        self._active[host] -= 1
        if not had_room and self._has_room(host):
            self._ready.append(host)

    def _has_room(self, host: str) -> bool:
        return bool(self._waiting[host]) and self._active.get(host, 0) < self._per_host


def run_by_host(
    jobs: Iterable[tuple[str, Job]],
    work: Callable[[Job], Result],
    concurrency: int,
    per_host: int,
) -> dict[Job, Result]:
    """Run each job once in a pool of threads and return the results by job.

    Args:
        jobs: `(host, job)`, jobs distinct.
        work: called in a thread.
        concurrency: jobs that may run at once.
        per_host: jobs of one host that may run at once.

    Raises:
        Exception: the first that `work` raises, after the running jobs have ended.
    """
    queues = HostQueues(jobs, per_host)
    results: dict[Job, Result] = {}
    running: dict[Future[Result], tuple[str, Job]] = {}
    with ThreadPoolExecutor(concurrency, "fetch") as threads:
        while True:
            while len(running) < concurrency and (taken := queues.take()):
                running[threads.submit(work, taken[1])] = taken
            if not running:
                return results
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                host, job = running.pop(future)
                queues.finish(host)
                results[job] = future.result()
