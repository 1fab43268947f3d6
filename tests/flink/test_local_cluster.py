"""A Flink cluster of two TaskManagers: the bytes of a local run, whatever dies."""

import signal
from pathlib import Path

import pytest

from tests.support.commands import DATA_STAGES, checksums, dalle
from tests.support.local_flink import LocalFlink, ended, wait_for
from tools.flink.cluster import TASK_MANAGERS

pytestmark = [pytest.mark.flink, pytest.mark.timeout(3600)]


def one_shard_encoded(root: Path) -> bool:
    return any(root.glob("encode/progress/*.json"))


def no_temporary_file(root: Path) -> bool:
    return [path for path in root.rglob("*") if path.name.startswith(".tmp-")] == []


def test_the_data_stages_are_one_job_with_the_bytes_of_a_local_run(
    flink: LocalFlink, config, expected, tmp_path
):
    root, before = tmp_path / "run", len(flink.jobs())
    flink.run(*DATA_STAGES, "--config", config, "--dir", root)
    assert checksums(root) == expected
    assert flink.jobs()[before:] == ["FINISHED"]
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


def test_a_job_goes_on_without_its_driver(flink: LocalFlink, config, expected, before_encode):
    arguments = ["encode", "--config", config, "--dir", before_encode]
    driver = flink.start(*arguments)
    wait_for(lambda: one_shard_encoded(before_encode), driver)
    driver.kill()
    ended(driver)
    second = flink.start(*arguments)
    said = ended(second)
    assert second.returncode == 1, said
    assert "is at work" in said
    assert "RUNNING" in flink.said("status", "--dir", before_encode)
    flink.wait_until_no_job_runs()
    assert checksums(before_encode) == expected
    assert "nothing to do" in flink.run(*arguments)
    assert no_temporary_file(before_encode)


def test_ctrl_c_ends_the_job(flink: LocalFlink, config, expected, before_encode):
    """Beam's job server leaves Flink's job running, whose workers find out that it was ended."""
    arguments = ["encode", "--config", config, "--dir", before_encode]
    driver = flink.start(*arguments)
    wait_for(lambda: one_shard_encoded(before_encode), driver)
    driver.send_signal(signal.SIGINT)
    said = ended(driver)
    assert driver.returncode == 130, said
    assert "is cancelled" in said
    flink.run(*arguments)
    flink.wait_until_no_job_runs()
    assert flink.jobs()[-2:] in (["FAILED", "FINISHED"], ["CANCELED", "FINISHED"])
    assert checksums(before_encode) == expected
    assert no_temporary_file(before_encode)
