import asyncio
import time

import pytest

from pipelines.web.budget import Budget


def test_a_budget_runs_only_inside():
    async def spend():
        budget = Budget(0.3)
        async with budget.running():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.4)
        async with budget.running():
            await asyncio.sleep(0.01)

    asyncio.run(spend())


def test_all_times_inside_count_together():
    async def spend():
        budget = Budget(0.1)
        for _ in range(50):
            async with budget.running():
                await asyncio.sleep(0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(spend())


def test_a_spent_budget_lets_nothing_happen():
    async def spend():
        async with Budget(0.0).running():
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        asyncio.run(spend())


def test_a_pause_costs_nothing_and_the_rest_counts_on():
    async def spend():
        budget = Budget(0.2)
        async with budget.running():
            with budget.paused():
                await asyncio.sleep(0.4)
            await asyncio.sleep(0.01)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with budget.running():
                await asyncio.sleep(60)
        return time.monotonic() - began

    assert 0.05 < asyncio.run(spend()) < 30
