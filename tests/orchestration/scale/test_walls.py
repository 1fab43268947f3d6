from dataclasses import replace

from orchestration.scale.engines import Engine
from orchestration.scale.walls import walls
from pipelines.stage import Cost

MANY = Engine(max_workers=100, worker_ram_bytes=1e9)
COST = Cost(cpu_s=0.01, source="")


def found(cost: Cost, engine: Engine = MANY, hours: float = 10) -> dict[str, float]:
    """By the first word of what gives way, at how many pairs."""
    return {w.what.split()[0]: w.pairs for w in walls({"it": cost}, engine, hours, 1000)}


def test_work_gives_way_where_all_workers_are_not_done_in_time():
    assert found(COST)["100"] == 100 * 10 * 3600 / 0.01


def test_shards_give_way_where_a_config_has_no_more_of_them():
    assert found(replace(COST, image_bytes=2e5))["a"] == 1000 * 2500


def test_what_one_worker_holds_of_every_row_fills_its_memory():
    assert found(replace(COST, held_bytes=1e3))["it"] == 1e6


def test_only_a_single_machine_holds_what_is_shuffled():
    shuffled = replace(COST, shuffled_bytes=1e3)
    assert "it" not in found(shuffled)
    one = replace(MANY, is_one_machine=True)
    assert round(found(shuffled, one)["it"]) == round(1e6 / 3.3)


def test_a_host_gives_only_so_much_to_those_that_ask_the_web():
    asks = walls({"it": replace(COST, received_bytes=1)}, MANY, 10, 1000)
    assert [w.pairs for w in asks if w.what.startswith("a host")] == [36_000 / 0.01]
    assert not [w for w in walls({"it": COST}, MANY, 10, 1000) if w.what.startswith("a host")]


def test_what_gives_way_first_comes_first():
    pairs = [w.pairs for w in walls({"it": replace(COST, held_bytes=1)}, MANY, 10, 1000)]
    assert pairs == sorted(pairs)
    assert len(pairs) == 3
