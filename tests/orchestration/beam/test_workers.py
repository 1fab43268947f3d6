"""A lost worker: its instructions are answered, and the answer reads as one message."""

from apache_beam.runners.portability.fn_api_runner.worker_handlers import ControlFuture

from orchestration.beam.workers import LOST, fail_instructions
from orchestration.cli.failures import describe


def test_every_waiting_instruction_is_answered_with_the_error():
    first, second = ControlFuture("control_1"), ControlFuture("control_2")
    waiting = {"control_1": first, "control_2": second}
    fail_instructions(waiting)
    assert waiting == {}
    assert [first.get(0).error, second.get(0).error] == [LOST, LOST]


def test_the_error_is_shown_without_its_class():
    message = describe(RuntimeError(f"Traceback (most recent call last):\n{LOST}"))
    assert message.startswith("a worker process was killed")
