import asyncio

import pytest

from pipelines.web.budget import Budget
from pipelines.web.in_flight import SMALL_BYTES, InFlight


async def chunks(sizes, taken=None):
    for size in sizes:
        if taken is not None:
            taken.append(size)
        yield bytes(size)
        await asyncio.sleep(0)


async def receive(in_flight, sizes, cap=10 * SMALL_BYTES, seconds=60.0, taken=None):
    budget = Budget(seconds)
    async with budget.running():
        return await in_flight.receive(chunks(sizes, taken), cap, budget)


def test_a_body_is_read_up_to_the_chunk_that_passes_the_cap():
    taken: list[int] = []
    found = asyncio.run(receive(InFlight(), [10] * 9, cap=25, taken=taken))
    assert [len(chunk) for chunk in found] == taken == [10, 10, 10]


def test_large_bodies_take_turns_and_small_ones_do_not_wait():
    active, most = [0], [0]

    async def slow(_):
        for size in (SMALL_BYTES, 1, 1):
            yield bytes(size)
            if size == 1:
                active[0] += 1
                most[0] = max(most[0], active[0])
                await asyncio.sleep(0.01)
                active[0] -= 1

    async def one(in_flight, number):
        budget = Budget(60.0)
        async with budget.running():
            return await in_flight.receive(slow(number), 10 * SMALL_BYTES, budget)

    async def all_of_them():
        in_flight = InFlight(large_at_once=2)
        large = [asyncio.create_task(one(in_flight, n)) for n in range(6)]
        await asyncio.sleep(0.005)
        small = await receive(in_flight, [SMALL_BYTES])
        assert len(small) == 1
        assert not all(task.done() for task in large)
        return await asyncio.gather(*large)

    assert all(len(found) == 3 for found in asyncio.run(all_of_them()))
    assert most[0] == 2


def test_waiting_for_room_costs_none_of_the_time():
    async def both():
        in_flight = InFlight(large_at_once=1)
        budget = Budget(60.0)

        async def holds():
            yield bytes(SMALL_BYTES + 1)
            await asyncio.sleep(0.6)

        async with budget.running(), asyncio.TaskGroup() as tasks:
            tasks.create_task(in_flight.receive(holds(), 10 * SMALL_BYTES, budget))
            await asyncio.sleep(0.01)
            return await receive(in_flight, [SMALL_BYTES + 1], seconds=0.3)

    assert len(asyncio.run(both())) == 1


def test_a_body_that_does_not_come_gives_its_room_back():
    async def stalls():
        yield bytes(SMALL_BYTES + 1)
        await asyncio.Event().wait()

    async def run():
        in_flight, budget = InFlight(large_at_once=1), Budget(0.05)
        with pytest.raises(TimeoutError):
            async with budget.running():
                await in_flight.receive(stalls(), 10 * SMALL_BYTES, budget)
        return await receive(in_flight, [SMALL_BYTES + 1, 1])

    assert len(asyncio.run(run())) == 2
