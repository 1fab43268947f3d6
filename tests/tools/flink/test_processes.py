"""Processes known by files: only the very process that was started is ever meant."""

import os
import signal
import sys
import time
from contextlib import suppress

import pytest

from tools.flink.processes import ProcessError, Processes, children, memory

SLEEPS = "import time, sys; print('ready', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"


@pytest.fixture
def processes(tmp_path):
    found = Processes(tmp_path / "state")
    yield found
    found.stop(found.names())
    with suppress(ChildProcessError):  # else the next test finds zombies of this one
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def start(processes: Processes, code: str, name: str = "one") -> int:
    return processes.start(name, [sys.executable, "-W", "ignore", "-c", code])


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestProcesses:
    @pytest.mark.parametrize("code", [SLEEPS, DEAF], ids=["heeds", "ignores SIGTERM"])
    def test_a_process_is_known_until_it_is_stopped(self, processes, code, monkeypatch):
        monkeypatch.setattr("tools.flink.processes.END_S", 1.0)
        pid = start(processes, code)
        processes.wait_until_said("one", "ready", 30)
        assert processes.pid("one") == pid
        assert processes.names() == ["one"]
        assert memory(pid) > 1 << 20
        assert pid in children(os.getpid())
        processes.stop(["one"])
        assert processes.pid("one") is None
        assert processes.names() == []

    def test_a_killed_one_is_missed_before_anybody_has_waited_for_it(self, processes):
        pid = start(processes, SLEEPS)
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while processes.pid("one") is not None:
            assert time.monotonic() < deadline

    def test_another_process_with_the_same_id_is_left_alone(self, processes):
        processes.folder.mkdir()
        (processes.folder / "one.pid").write_text(f"{os.getpid()} 12345")
        assert processes.pid("one") is None
        processes.stop(["one"])  # would end this very test

    def test_one_that_ends_early_is_shown_with_its_log(self, processes):
        start(processes, "print('no such setting')")
        with pytest.raises(
            ProcessError, match=r"one has ended; its log .*\n(.|\n)*no such setting"
        ):
            processes.wait_until_said("one", "ready", 30)

    def test_one_that_says_nothing_is_not_waited_for_forever(self, processes):
        start(processes, SLEEPS)
        with pytest.raises(ProcessError, match=r"says nothing for 0\.2 s"):
            processes.wait_until_said("one", "never said", 0.2)

    def test_one_that_does_not_end_is_not_waited_for_forever(self, processes):
        start(processes, SLEEPS)
        with pytest.raises(ProcessError, match=r"one runs for 0\.2 s"):
            processes.wait_until_ended("one", 0.2)
