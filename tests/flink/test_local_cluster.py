"""A Flink cluster of two TaskManagers: the bytes of a local run, whatever dies.

However many jobs a command makes of its stages, these tests see its files and its exit code alone.
"""

import random
import signal
from pathlib import Path

import pytest

from tests.support.commands import checksums, dalle
from tests.support.local_flink import LocalFlink, ended, locally, wait_for
from tools.flink.cluster import JOB_SERVER, TASK_MANAGERS

pytestmark = [pytest.mark.flink, pytest.mark.timeout(3600)]
NUM_ROWS = 100_000
NOUNS = ("dog", "cat", "boat", "house", "river", "mountain", "bridge", "child", "tree", "street")
PLACES = ("near", "under", "beside", "above", "behind")
LOOKS = ("old", "red", "small", "wooden", "quiet", "bright", "snowy", "green", "tall", "broken")


def one_shard_encoded(root: Path) -> bool:
    return any(root.glob("encode/progress/*.json"))


def no_temporary_file(root: Path) -> bool:
    return [path for path in root.rglob("*") if path.name.startswith(".tmp-")] == []


def test_the_data_stages_give_the_bytes_of_a_local_run(
    flink: LocalFlink, config, expected, tmp_path
):
    root = tmp_path / "run"
    flink.run("crawl", "captions", "fetch", "--config", config, "--dir", root)
    flink.run("images", "dedupe", "encode", "--config", config, "--dir", root)
    assert checksums(root) == expected
    dalle("verify", "--dir", root)


@pytest.mark.parametrize("killed", [TASK_MANAGERS[0], "harness"])
def test_a_death_among_the_workers_changes_no_byte(
    flink: LocalFlink, config, expected, before_encode, killed
):
    driver = flink.start("encode", "--config", config, "--dir", before_encode)
    wait_for(lambda: one_shard_encoded(before_encode), driver)
    flink.kill(flink.harnesses()[0] if killed == "harness" else flink.processes.pid(killed))
    said = ended(driver)
    assert driver.returncode == 0, said
    assert checksums(before_encode) == expected
    assert no_temporary_file(before_encode)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_goes_on_after_its_driver(flink: LocalFlink, config, expected, before_encode, number):
    """At once, whether the job has gone on without its driver or has ended with it."""
    arguments = ["encode", "--config", config, "--dir", before_encode]
    driver = flink.start(*arguments)
    wait_for(lambda: one_shard_encoded(before_encode), driver)
    driver.send_signal(number)
    said = ended(driver)
    assert driver.returncode == (130 if number == signal.SIGINT else -number), said
    flink.run(*arguments)
    assert checksums(before_encode) == expected
    assert no_temporary_file(before_encode)


def write_rows(folder: Path) -> Path:
    """A config whose source is a generated table: captions of everyday words, some bad ones."""
    chance = random.Random(11)
    lines = ["url,caption"]
    for row in range(NUM_ROWS):
        one, other = chance.sample(NOUNS, 2)
        look, place = chance.choice(LOOKS), chance.choice(PLACES)
        text = f"a {look} {one} {place} the {chance.choice(LOOKS)} {other}, number {row}"
        lines.append(f'http://images.example/{row}.jpg,"{"IMG" if row % 10 == 0 else text}"')
    table = folder / "rows.csv"
    table.write_text("\n".join(lines))
    config = folder / "config.yaml"
    config.write_text(
        f"name: rows\nnum_shards: 8\ncrawl: {{sources: [{{path: {table}, name: rows}}]}}\n"
        "captions: {recipe: dalle}\n"
    )
    return config


def test_a_hundred_thousand_rows(flink: LocalFlink, tmp_path):
    config = write_rows(tmp_path)
    stages = ["crawl", "captions", "--config", config, "--dir"]
    locally(*stages, tmp_path / "local")
    flink.run(*stages, tmp_path / "flink")
    assert checksums(tmp_path / "flink") == checksums(tmp_path / "local")
    assert {flink.processes.pid(name) is None for name in (*TASK_MANAGERS, JOB_SERVER)} == {False}
