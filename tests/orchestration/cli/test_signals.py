"""Signals, each to a process of its own that has started its work."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.signals import INTERRUPTED, PIPE_CLOSED, STOPPED, TERMINATED

START = """
import gc, os, sys, threading, time, weakref
from orchestration.cli import signals

def work():
    print("at work", flush=True)
    while True:
        time.sleep(0.01)

signals.watch()
code = 0
try:
    {body}
except KeyboardInterrupt:
    pass
finally:
    signals.leave(code)
"""
PLAIN = "work()"
# A destructor, and a callback: Python prints the exception and goes on.
IN_A_DESTRUCTOR = """
    class Held:
        def __del__(self):
            work()
    Held()
    work()
"""
CAUGHT = """
    signals.PATIENCE_S = 0.1
    try:
        work()
    except:
        work()
"""
CAUGHT_ALWAYS = """
    signals.PATIENCE_S = 0.05
    while True:
        try:
            work()
        except:
            pass
"""
# As where C++ calls Python while a library is imported: an exception there ends the process.
IN_AN_IMPORT = """
    import builtins, tempfile
    builtins.work = work
    folder = tempfile.TemporaryDirectory()
    with open(folder.name + "/fragile.py", "w") as file:
        file.write("import os\\ntry:\\n    work()\\nexcept BaseException:\\n    os.abort()")
    sys.path.insert(0, folder.name)
    import fragile
"""
IN_A_TRAINING = """
    from dalle_model.train.stopping import is_asked, stoppable
    signals.PATIENCE_S = 0.05
    with stoppable():
        print("at work", flush=True)
        while not is_asked():
            time.sleep(0.01)
        time.sleep(0.2)
        print("saved", flush=True)
        raise KeyboardInterrupt
"""
NEVER_UNWINDS = """
    try:
        work()
    finally:
        work()
"""
SLOW_TO_SAY = """
    write = signals._write
    def slow(text):
        print("saying", flush=True)
        time.sleep(0.5)
        write(text)
    signals._write = slow
    work()
"""
A_THREAD_FAILS = """
    def fail():
        while not signals.exit_code():
            time.sleep(0.01)
        raise RuntimeError("the connection is gone")
    failing = threading.Thread(target=fail)
    failing.start()
    try:
        work()
    finally:
        failing.join()
"""


def start(body: str, prepare: Callable[[], object] | None = None) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", START.format(body=body.strip())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare or (lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    return process


@pytest.mark.parametrize(
    "body", [PLAIN, IN_A_DESTRUCTOR, CAUGHT, CAUGHT_ALWAYS, A_THREAD_FAILS, IN_AN_IMPORT]
)
def test_one_ctrl_c_ends_whatever_happens_to_the_exception(body):
    process = start(body)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (INTERRUPTED, f"dalle: {STOPPED}\n")


def test_a_training_saves_before_it_ends():
    process = start(IN_A_TRAINING)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert (process.returncode, printed, said) == (INTERRUPTED, "saved\n", f"dalle: {STOPPED}\n")


def test_sigterm_does_the_same_with_its_own_code():
    process = start(IN_A_DESTRUCTOR)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (TERMINATED, f"dalle: {STOPPED}\n")


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_what_does_not_unwind(second):
    process = start(NEVER_UNWINDS)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"  # again, for ever
    process.send_signal(second)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (INTERRUPTED, f"dalle: {STOPPED}\n")


def test_a_second_signal_waits_for_what_is_being_said():
    process = start(SLOW_TO_SAY)
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "saying\n"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (INTERRUPTED, f"dalle: {STOPPED}\n")


def test_what_the_parent_ignores_stays_ignored():
    process = start(PLAIN, lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    process.send_signal(signal.SIGINT)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == TERMINATED


def run(body: str, out: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START.format(body=body.strip())],
        stdout=out,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": ""},
        text=True,
        timeout=60,
    )


def test_the_end_waits_for_what_is_said_and_asked_for_but_for_no_thread():
    body = """
    import atexit
    atexit.register(lambda: print("closed"))
    threading.Thread(target=time.sleep, args=(1000,)).start()
    print("said")
    code = 3
"""
    result = run(body, subprocess.PIPE)
    assert (result.returncode, result.stdout, result.stderr) == (3, "said\nclosed\n", "")


def test_a_reader_that_has_gone_is_no_error():
    read_end, write_end = os.pipe()
    os.close(read_end)
    result = run("print('said')", write_end)
    os.close(write_end)
    assert (result.returncode, result.stderr) == (PIPE_CLOSED, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk of Linux")
def test_output_that_cannot_be_written_is_an_error():
    with Path("/dev/full").open("w") as full:
        result = run("print('said')", full)
    assert result.returncode == 1
    assert result.stderr == "dalle: the output cannot be written: No space left on device\n"
