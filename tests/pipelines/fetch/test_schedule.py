import asyncio
import random
from collections import Counter

import pytest

from pipelines.fetch.schedule import HostQueues, Outages, run_by_host


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


def test_a_job_that_is_left_out_has_no_turn_any_more():
    left_out = set()
    jobs = [("a", 1), ("a", 2), ("a", 3), ("b", 4)]
    queues = HostQueues(jobs, per_host=1, is_left_out=lambda host, job: job in left_out)
    assert queues.take() == ("a", 1)
    left_out.add(2)
    queues.finish("a")
    assert [queues.take() for _ in range(3)] == [("b", 4), ("a", 3), None]


def test_a_host_whose_jobs_are_all_left_out_while_it_is_ready():
    left_out = set()
    jobs = [("a", 1), ("a", 2), ("b", 3)]
    queues = HostQueues(jobs, per_host=2, is_left_out=lambda host, job: host in left_out)
    assert queues.take() == ("a", 1)
    left_out.add("a")
    assert [queues.take(), queues.take()] == [("b", 3), None]


@pytest.mark.parametrize("per_host", [1, 2, 5])
@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_every_job_runs_once_within_the_limits(per_host, concurrency):
    jobs = [(f"host{i % 4}", i) for i in range(40)]
    active: Counter[str] = Counter()
    most: Counter[str] = Counter()
    runs: Counter[int] = Counter()

    async def work(job):
        names = (f"host{job % 4}", "all")
        runs[job] += 1
        for name in names:
            active[name] += 1
            most[name] = max(most[name], active[name])
        await asyncio.sleep(0)
        for name in names:
            active[name] -= 1
        return job * 2

    found = asyncio.run(run_by_host(jobs, work, concurrency, per_host))
    assert found == {i: i * 2 for i in range(40)}
    assert set(runs.values()) == {1}
    assert most.pop("all") == min(concurrency, 4 * per_host)
    assert max(most.values()) <= per_host


def test_a_host_that_hangs_delays_no_other():
    async def run():
        others_done = asyncio.Semaphore(0)

        async def work(job):
            if job == 0:  # the slow host: waits until all others are done
                async with asyncio.timeout(10):
                    return [await others_done.acquire() for _ in range(10)]
            if job >= 100:
                others_done.release()
            return []

        jobs = [("slow", i) for i in range(5)] + [("quick", 100 + i) for i in range(10)]
        return await run_by_host(jobs, work, concurrency=2, per_host=1)

    assert asyncio.run(run())[0] == [True] * 10


def test_an_error_of_the_work_is_not_swallowed_and_ends_the_rest():
    ended = []

    async def work(job):
        if job == 1:
            raise ZeroDivisionError
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(job)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_by_host([("a", 1), ("b", 2)], work, 2, 1))
    assert ended == [2]


def test_no_jobs():
    async def work(job):
        return job

    assert asyncio.run(run_by_host([], work, 2, 1)) == {}


@pytest.mark.parametrize("per_host", [1, 2, 3, 20])
@pytest.mark.parametrize("seed", range(5))
def test_a_host_is_put_aside_at_the_same_job_however_long_each_takes(per_host, seed):
    outcomes = [False, True, True, False, *[True] * 3, False, True, False]
    times = random.Random(seed)

    async def work(job):
        await asyncio.sleep(times.random() / 1000)
        return outcomes[job[1]]

    jobs = [("bad", ("bad", i)) for i in range(len(outcomes))] + [("good", ("good", 0))]
    found = asyncio.run(run_by_host(jobs, work, 20, per_host, Outages(bool, 3)))
    assert sorted(found) == [*(("bad", i) for i in range(7)), ("good", 0)]


def test_a_host_is_not_put_aside_without_a_limit():
    async def work(_):
        return True

    jobs = [("bad", i) for i in range(9)]
    assert len(asyncio.run(run_by_host(jobs, work, 4, 2, Outages(bool, 0)))) == 9


def test_jobs_of_a_host_put_aside_are_not_begun():
    begun = []

    async def work(job):
        begun.append(job)
        return True

    asyncio.run(run_by_host([("bad", i) for i in range(99)], work, 4, 2, Outages(bool, 3)))
    assert len(begun) <= 3 + 2


def test_each_series_of_a_host_is_put_aside_for_itself():
    async def work(job):
        return job[0] == "dead"

    jobs = [("host", (kind, i)) for i in range(6) for kind in ("dead", "sound")]
    outages: Outages[tuple[str, int], bool] = Outages(bool, 2, lambda job: job[0])
    found = asyncio.run(run_by_host(jobs, work, 4, 2, outages))
    assert sorted(found) == [("dead", 0), ("dead", 1), *(("sound", i) for i in range(6))]


@pytest.mark.parametrize("known", [{}, {0: True}, {0: True, 1: True}, {1: True, 4: False}])
def test_a_job_whose_result_is_known_is_not_done_and_counts_in_its_row(known):
    begun = []

    async def work(job):
        begun.append(job)
        return True

    jobs = [("host", i) for i in range(5)]
    found = asyncio.run(run_by_host(jobs, work, 4, 1, Outages(bool, 3), known))
    assert found == {0: True, 1: True, 2: True}
    assert not set(begun) & set(known)
