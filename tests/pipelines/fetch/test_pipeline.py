"""Both ways of the stage: shard by shard in one process, by owners of hosts in any number."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from dalle_model import files
from orchestration.beam.execute import execute
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.stage import STAGE
from pipelines.io import parquet
from pipelines.io.task import finished_shards
from pipelines.stage import Job, Runtime
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.client import close_shared_clients
from tests.pipelines.fetch.test_shard import CONFIG, small_web
from tests.support.counting_server import seen_by
from tests.support.loopback import SUFFIX, loopback_web
from tests.support.raw_server import running
from tests.support.stages import run_on_beam
from tests.support.tasks import stage_task
from tests.support.wanted_images import write_wanted

NUM_SHARDS = 3
ONE_PROCESS, BY_HOST = {"is_remote": False}, {"is_remote": True}  # here too, for all it knows


@pytest.fixture
def web():
    with loopback_web() as found:
        yield found
        close_shared_clients()


def run(web, root, urls, config=CONFIG, way=BY_HOST, **changes):
    """The task of a stage that has been run."""
    task = replace(stage_task(root, "fetch", NUM_SHARDS), **changes)
    write_wanted(task, urls)
    runtime = Runtime(loopback=LoopbackAllowance(web.port, SUFFIX), **way)
    run_on_beam(STAGE, Job(task, config, runtime))
    return task


def written(task):
    """The bytes of all that the stage has written for later ones."""
    return [
        files.read_bytes(url)
        for index in range(task.num_shards)
        for url in (task.part(index), task.rejected(index))
    ]


def reasons(task):
    tables = [parquet.read_table(task.rejected(index)) for index in range(task.num_shards)]
    return Counter(reason for table in tables for reason in table["reason"].to_pylist())


@pytest.mark.parametrize("backend", ["native", "img2dataset"])
def test_both_ways_write_the_same_bytes(web, tmp_path, backend):
    rows, expected = small_web(web)
    config = CONFIG.model_copy(update={"backend": backend})
    urls = sorted({row["url"] for row in rows} - {"folder/p.png"})
    tasks = [run(web, tmp_path / name, urls, config, way) for name, way in WAYS.items()]
    assert written(tasks[0]) == written(tasks[1])
    assert set(reasons(tasks[1])) == set(expected)


WAYS = {"one": ONE_PROCESS, "hosts": BY_HOST}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_retry_asks_for_the_images_of_its_reasons_alone(web, tmp_path, way):
    rows, _ = small_web(web)
    urls = sorted({row["url"] for row in rows} - {"folder/p.png"})
    task = run(web, tmp_path, urls, way=way)
    web.asked.clear()
    web.page("a.demo.test/none.png", b"here again")
    (lost,) = [
        index
        for index in range(NUM_SHARDS)
        if "not_found" in parquet.read_table(task.rejected(index))["reason"].to_pylist()
    ]
    changes = {"is_next": True, "retried": ("not_found",), "pending": (lost,)}
    again = run(web, tmp_path, urls, way=way, **changes)
    assert [name for name in web.asked if "robots" not in name] == ["a.demo.test/none.png"]
    kept = parquet.read_table(again.part(lost))["encoded"].to_pylist()
    before = parquet.read_table(task.part(lost))["encoded"].to_pylist()
    assert sorted(kept) == sorted([*before, b"here again"])
    assert "not_found" not in parquet.read_table(again.rejected(lost))["reason"].to_pylist()


def test_a_budget_is_one_of_the_whole_run_in_one_process_too(web, tmp_path):
    urls = [f"http://a.demo.test/{i}" for i in range(20)]
    for i in range(20):
        web.page(f"a.demo.test/{i}")
    config = CONFIG.model_copy(update={"max_images_per_host": 6})
    tasks = [run(web, tmp_path / name, urls, config, way) for name, way in WAYS.items()]
    assert written(tasks[0]) == written(tasks[1])
    assert reasons(tasks[0]) == {"host_budget": 14}
    kept = sorted(key for t in tables(tasks[0]) for key in t["key"].to_pylist())
    dropped = sorted(
        key
        for index in range(NUM_SHARDS)
        for key in parquet.read_table(tasks[0].rejected(index))["key"].to_pylist()
    )
    assert kept[-1] < dropped[0]


def tables(task):
    return [parquet.read_table(task.part(index)) for index in range(task.num_shards)]


def test_a_bucket_that_is_noted_is_not_fetched_again(web, tmp_path):
    urls = [f"http://{host}.demo.test/{i}" for host in "abc" for i in range(5)]
    for url in urls:
        web.page(url.removeprefix("http://"))
    task = run(web, tmp_path, urls)
    before = written(task)
    web.asked.clear()
    for index in range(NUM_SHARDS):
        files.remove(task.part(index))
    run(web, tmp_path, urls)
    assert written(task) == before
    assert web.asked == []


def test_workers_together_stay_within_the_limits_of_each_host(tmp_path):
    """Two processes; the server counts. Each host is asked by one of them, its robots.txt once."""
    hosts, num_images, per_host = 12, 8, 2
    urls = [f"http://h{h}{SUFFIX}/{i}" for h in range(hosts) for i in range(num_images)]
    task = stage_task(tmp_path, "fetch", NUM_SHARDS)
    write_wanted(task, urls)
    config = FetchConfig(per_host_concurrency=per_host, max_host_failures=0)
    with running("tests.support.counting_server", 0.05, 10) as port:
        runtime = Runtime(2, LoopbackAllowance(port, SUFFIX))
        execute(STAGE, Job(task, config, runtime), [])
        seen = seen_by(port)
    assert sum(report.rows_out for report in finished_shards(task).values()) == len(urls)
    assert {name: (s.images, s.robots) for name, s in seen.items()} == {
        f"h{h}{SUFFIX}": (num_images, 1) for h in range(hosts)
    }
    assert {s.most_active for s in seen.values()} == {per_host}  # its full rate, and no more


def test_nothing_is_left_aside_that_a_sweep_of_the_stage_would_miss(web, tmp_path):
    web.page("a.demo.test/1")
    task = run(web, tmp_path, ["http://a.demo.test/1"])
    aside = [path for path in Path(tmp_path).rglob("*") if path.suffix in {".bin", ".notes"}]
    assert len(aside) == 2
    assert all(path.is_relative_to(task.folder.progress) for path in aside)
