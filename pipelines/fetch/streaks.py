"""Outages of one host in a row, told in the order of its queue, whenever its jobs end."""

from typing import Generic, TypeVar

Job = TypeVar("Job")


class Streak(Generic[Job]):
    """Counts outages in a row over the jobs of one host.

    Args:
        limit: outages in a row after which the host is put aside; 0 for no limit.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._jobs: list[Job] = []
        self._ended: dict[Job, bool] = {}
        self._seen = self._length = 0  # jobs told in order, and outages at their end

    def expect(self, job: Job) -> None:
        """Add a job to the end of the queue."""
        self._jobs.append(job)

    def record(self, job: Job, is_outage: bool) -> None:
        """Note how a job ended.

        Args:
            job: one of those expected.
            is_outage: whether it speaks against the host.
        """
        self._ended[job] = is_outage
        while self._seen < len(self._jobs) and not self.is_broken_off:
            told = self._jobs[self._seen]
            if told not in self._ended:
                break
            self._length = self._length + 1 if self._ended.pop(told) else 0
            self._seen += 1

    def left_out(self) -> list[Job]:
        """The jobs behind the outages in a row, in order; none while the host is not put aside."""
        return self._jobs[self._seen :] if self.is_broken_off else []

    @property
    def is_broken_off(self) -> bool:
        """Whether the host is put aside."""
        return 0 < self._limit <= self._length
