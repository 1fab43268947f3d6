import threading
from collections import Counter

import pytest

from pipelines.fetch.schedule import HostQueues, run_by_host


def test_hosts_take_turns_and_none_exceeds_its_limit():
    jobs = [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5)]
    queues = HostQueues(jobs, per_host=2)
    assert [queues.take() for _ in range(5)] == [("a", 1), ("b", 4), ("c", 5), ("a", 2), None]
    queues.finish("b")
    assert queues.take() is None
    queues.finish("a")
    assert queues.take() == ("a", 3)
    queues.finish("a")
    assert queues.take() is None


@pytest.mark.parametrize("per_host", [1, 2, 5])
@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_every_job_runs_once_within_the_limits(per_host, concurrency):
    jobs = [(f"host{i % 4}", i) for i in range(40)]
    lock = threading.Lock()
    active: Counter[str] = Counter()
    most: Counter[str] = Counter()
    runs: Counter[int] = Counter()

    def work(job):
        host = f"host{job % 4}"
        with lock:
            runs[job] += 1
            active[host] += 1
            active["all"] += 1
            for name in (host, "all"):
                most[name] = max(most[name], active[name])
        with lock:
            active[host] -= 1
            active["all"] -= 1
        return job * 2

    assert run_by_host(jobs, work, concurrency, per_host) == {i: i * 2 for i in range(40)}
    assert set(runs.values()) == {1}
    assert most.pop("all") <= concurrency
    assert max(most.values()) <= per_host


def test_a_host_that_hangs_delays_no_other():
    others_done = threading.Semaphore(0)

    def work(job):
        if job < 100:  # the slow host: waits until all others are done
            return [others_done.acquire(timeout=10) for _ in range(10)] if job == 0 else []
        others_done.release()
        return []

    jobs = [("slow", i) for i in range(5)] + [("quick", 100 + i) for i in range(10)]
    results = run_by_host(jobs, work, concurrency=2, per_host=1)
    assert results[0] == [True] * 10


def test_an_error_of_the_work_is_not_swallowed():
    def work(job):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_by_host([("a", 1), ("b", 2)], work, 2, 1)


def test_no_jobs():
    assert run_by_host([], str, 2, 1) == {}
