import pytest

from orchestration.scale.engines import Engine
from orchestration.scale.estimate import (
    MAX_SHARD_ROWS,
    dollars,
    num_shards,
    rows_per_shard,
    totals,
)
from orchestration.scale.prices import Price, Prices
from pipelines.stage import Cost

COSTS = {
    "one": Cost(cpu_s=3.6, source="", stored_bytes=1e3, received_bytes=5e3),
    "two": Cost(cpu_s=7.2, source="", shuffled_bytes=2e3, image_bytes=1e5),
}
TEN = Engine(max_workers=10, worker_ram_bytes=1e9)


def price(usd: float) -> Price:
    return Price(usd=usd, date="2026-11", source="a test")


def test_a_stage_costs_what_a_row_costs_times_the_rows():
    found = totals(2000, COSTS, TEN, hours=1)
    one, two = found.stages
    assert (one.stage, one.core_hours, one.stored_bytes) == ("one", 2, 2e6)
    assert (two.core_hours, two.shuffled_bytes) == (4, 4e6)
    assert (found.core_hours, found.received_bytes) == (6, 1e7)


@pytest.mark.parametrize(("hours", "workers", "wall"), [(6, 1, 6), (4, 2, 3), (0.1, 10, 0.6)])
def test_there_are_as_many_workers_as_the_time_asks_for_and_the_engine_has(hours, workers, wall):
    found = totals(2000, COSTS, TEN, hours)
    assert found.workers == workers
    assert found.hours == pytest.approx(wall)


def test_a_shard_holds_as_many_images_as_fit_and_no_more_than_a_file_may():
    assert rows_per_shard(COSTS.values()) == 5000
    assert rows_per_shard([]) == MAX_SHARD_ROWS
    assert [num_shards(pairs, COSTS.values()) for pairs in (1, 5000, 5001)] == [1, 1, 2]


def test_money_is_units_times_prices():
    prices = Prices(
        core_hour=price(2), stored_gb_month=price(3), shuffled_gb=price(5), received_gb=price(7)
    )
    found = totals(2e6, COSTS, TEN, hours=1)
    assert dollars(found, prices, months=2) == pytest.approx(
        {"core_hour": 12000, "stored_gb_month": 12, "shuffled_gb": 20, "received_gb": 70}
    )
