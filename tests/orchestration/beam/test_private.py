"""Beam's internals: the version they were read in, and that nothing of them stays changed."""

import ast
import os
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.python_urns import SUBPROCESS_SDK
from apache_beam.runners.portability.fn_api_runner.worker_handlers import (
    ControlFuture,
    SubprocessSdkWorkerHandler,
    WorkerHandler,
)

from dalle_model.errors import DalleError
from orchestration.beam.private import (
    READ_IN,
    BeamVersionError,
    check_version,
    fail_instructions,
    worker_processes,
)
from orchestration.beam.workers import LOST, watched_workers

ROOT = Path(__file__).parents[3]
INTERNALS = ("apache_beam.runners", "apache_beam.portability", "apache_beam.internal")


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_one_file_imports_internals_of_beam():
    sources = [p for top in ("orchestration", "pipelines") for p in (ROOT / top).rglob("*.py")]
    found = [p.name for p in sources if any(m.startswith(INTERNALS) for m in imported(p))]
    assert found == ["private.py"]


def registered() -> Any:
    return WorkerHandler._registered_environments[SUBPROCESS_SDK]


@contextmanager
def everything_stays():
    """What a run could leave behind in the process: Beam's registry, hooks, the environment."""
    before = (
        dict(WorkerHandler._registered_environments),
        threading.excepthook,
        sys.excepthook,
        signal.getsignal(signal.SIGINT),
        dict(os.environ),
    )
    yield
    assert before == (
        WorkerHandler._registered_environments,
        threading.excepthook,
        sys.excepthook,
        signal.getsignal(signal.SIGINT),
        dict(os.environ),
    )


def test_the_installed_beam_is_the_one_that_was_read():
    assert beam.__version__ == READ_IN
    check_version(beam.__version__)


@pytest.mark.parametrize("other", ["2.76.0", "2.77.1", "2.78.0.dev0", "3.0.0"])
def test_another_beam_is_refused_with_both_versions_and_the_command(other):
    with pytest.raises(BeamVersionError) as caught:
        check_version(other)
    assert isinstance(caught.value, DalleError)
    message = str(caught.value)
    assert f"Beam {other} is installed" in message
    assert f"need Beam {READ_IN}" in message
    assert f"pip install --no-deps apache-beam=={READ_IN}" in message


def test_another_beam_is_left_untouched(monkeypatch):
    monkeypatch.setattr(beam, "__version__", "2.99.0")
    with everything_stays(), pytest.raises(BeamVersionError), watched_workers():
        raise AssertionError("never opened")


def test_every_waiting_instruction_is_answered_with_the_error():
    first, second = ControlFuture("control_1"), ControlFuture("control_2")
    waiting = {"control_1": first, "control_2": second}
    fail_instructions(waiting, LOST)
    assert waiting == {}
    assert [first.get(0).error, second.get(0).error] == [LOST, LOST]


def test_the_handler_is_registered_only_while_it_is_open():
    with everything_stays():
        with worker_processes(lambda: b"true", LOST):
            constructor, payload = registered()
            assert constructor is not SubprocessSdkWorkerHandler
            assert issubclass(constructor, SubprocessSdkWorkerHandler)
            assert payload is bytes
        assert registered() == (SubprocessSdkWorkerHandler, bytes)


def test_an_exception_inside_leaves_nothing_behind():
    with everything_stays(), pytest.raises(KeyboardInterrupt), watched_workers():
        raise KeyboardInterrupt


def test_nested_uses_leave_nothing_behind():
    with everything_stays():
        with watched_workers():
            with watched_workers():
                pass
            assert registered()[0] is not SubprocessSdkWorkerHandler
        assert registered()[0] is SubprocessSdkWorkerHandler


def test_overlapping_uses_end_in_any_order():
    with everything_stays():
        first, second = ExitStack(), ExitStack()
        first.enter_context(watched_workers())
        second.enter_context(watched_workers())
        first.close()
        assert registered()[0] is not SubprocessSdkWorkerHandler
        second.close()


def run_in_a_worker_process(element: int) -> None:
    """A worker that gets 1 kills itself. A nested function is pickled whole, not by its module."""

    def work(number: int) -> int:
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    options = ["--direct_running_mode=multi_processing", "--direct_num_workers=1"]
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner", *options])) as pipeline:
        pipeline | beam.Create([0, element]) | beam.Map(work)


@pytest.mark.slow
def test_a_killed_worker_ends_the_run_and_two_runs_leave_the_process_as_it_was(capfd):
    failures: list[threading.ExceptHookArgs] = []
    threading.excepthook, previous = failures.append, threading.excepthook
    try:
        with everything_stays():
            with pytest.raises(RuntimeError, match="process was killed"), watched_workers():
                run_in_a_worker_process(1)
            with watched_workers():
                run_in_a_worker_process(0)
    finally:
        threading.excepthook = previous
    assert failures == []
    assert "RpcError" not in capfd.readouterr().err
