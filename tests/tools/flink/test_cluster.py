"""The local cluster's settings, and the commands that are given to it."""

import subprocess
import sys

import pytest
import yaml

from orchestration.beam.options import check_options
from tools.flink.__main__ import main
from tools.flink.cluster import (
    CONFIG,
    JVMS,
    TASK_MANAGERS,
    beam_options,
    java_options,
    write_boot,
)

SETTINGS = yaml.safe_load((CONFIG / "config.yaml").read_text())


def test_everything_listens_on_loopback_alone():
    listens = [SETTINGS["jobmanager"]["bind-host"], SETTINGS["taskmanager"]["bind-host"]]
    assert {*listens, SETTINGS["rest"]["bind-address"]} == {"localhost"}


def test_one_task_manager_can_carry_on_the_work_of_both():
    """After a death the job is started anew; it needs as many slots as before."""
    slots = SETTINGS["taskmanager"]["numberOfTaskSlots"]
    assert slots >= SETTINGS["parallelism"]["default"] == len(TASK_MANAGERS)
    assert SETTINGS["restart-strategy"]["fixed-delay"]["attempts"] > 0


def test_the_options_of_the_java_machine_are_whole_words():
    options = java_options()
    assert len(options) > 10
    assert all(option.startswith("--add-") for option in options)


def test_beam_takes_the_options(tmp_path):
    check_options(beam_options(tmp_path))


def test_the_boot_program_starts_our_module_with_this_python(tmp_path):
    write_boot(tmp_path / "boot")
    result = subprocess.run([tmp_path / "boot", "--help"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "orchestration.beam.boot" in result.stdout
    assert sys.executable in (tmp_path / "boot").read_text()


def test_each_task_manager_has_a_name_of_its_own():
    assert set(TASK_MANAGERS) < set(JVMS)


@pytest.mark.parametrize("command", [["run", "true"], ["down"], ["status"]])
def test_without_a_cluster_there_is_nothing_to_run_in_and_nothing_to_end(command, tmp_path, capsys):
    code = main(["--folder", str(tmp_path / "none"), *command])
    said = capsys.readouterr()
    assert code == (1 if command[0] == "run" else 0)
    assert ("make flink-up" in said.out + said.err) == (command[0] != "down")
