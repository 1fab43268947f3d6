"""Faults in a decoder cost the image that caused them, and nothing else."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pipelines.images.config import ImagesConfig
from pipelines.images.measure import Measured, measure
from pipelines.images.rules import UnusableImageError
from pipelines.images.sandbox.control import ASK, FORK, MODULE
from pipelines.images.sandbox.sandbox import WORK, Sandbox, SandboxError, shared_sandbox
from pipelines.images.shard import process_shard
from pipelines.rejection import Check
from tests.support.faulty_decoder import ORDER
from tests.support.fetched_rows import fetched, write_fetched
from tests.support.raw_images import encode, smooth
from tests.support.results import whole

CONFIG = ImagesConfig(side=32, resize="lanczos", timeout_s=60)
GOOD = encode(smooth(90, 60), "JPEG")
OBEDIENT = "tests.support.faulty_decoder:obey"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Its decoders do as images tell them."""
    made = Sandbox(OBEDIENT)
    yield made
    made.close()


def order(name: str, number: int = 0) -> bytes:
    return f"{number} ".encode() + ORDER + name.encode()


def outcome(sandbox: Sandbox, encoded: bytes, config: ImagesConfig = CONFIG) -> Measured | Check:
    return sandbox.measure(encoded, config).outcome


def equal(found: Measured | Check, expected: Measured) -> bool:
    assert isinstance(found, Measured)
    assert (found.full is None) == (expected.full is None)
    assert np.array_equal(found.stored, expected.stored)
    return found[:3] == expected[:3]


def test_a_sandbox_finds_what_the_function_finds(sandbox) -> None:
    kinds = [("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("GIF", {})]
    for form, options in kinds:
        encoded = encode(smooth(90, 60), form, **options)
        assert equal(outcome(sandbox, encoded), measure(encoded, CONFIG))
        for broken in (encoded[:40], encoded[: len(encoded) // 2], encoded + b"x", b""):
            found = outcome(sandbox, broken)
            if isinstance(found, Measured):
                assert equal(found, measure(broken, CONFIG))
            else:
                with pytest.raises(UnusableImageError) as caught:
                    measure(broken, CONFIG)
                assert found == caught.value.check


def test_both_images_of_a_comparison_come_back(sandbox) -> None:
    config = CONFIG.model_copy(update={"decode": "scaled", "crop": "center"})
    encoded = encode(smooth(400, 300), "JPEG")
    found = sandbox.measure(encoded, config, compares=True)
    expected = measure(encoded, config, compares=True)
    assert equal(found.outcome, expected)
    assert isinstance(found.outcome, Measured)
    assert found.outcome.full is not None
    assert expected.full is not None
    assert np.array_equal(found.outcome.full, expected.full)
    assert 0 < found.cpu_s < 60


FAULTS = {
    "SEGV": ("decoder_crashed", "SIGSEGV"),
    "ABRT": ("decoder_crashed", "SIGABRT"),
    "kill": ("decoder_crashed", "SIGKILL"),
    "exit": ("decoder_crashed", "exit status 3"),
    "memory": ("out_of_memory", ""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_hundred_faults_cost_a_hundred_images(fault, tmp_path, sandbox) -> None:
    rows = [fetched(f"http://a.test/{n}", "bad", order(fault, n)) for n in range(100)]
    good = [encode(smooth(90, 60, seed), "JPEG") for seed in range(100)]
    rows += [fetched(f"http://b.test/{n}", "good", encoded) for n, encoded in enumerate(good)]
    result = whole(process_shard(write_fetched(tmp_path, rows), 0, CONFIG, sandbox))
    assert result.kept.column("caption").to_pylist() == ["good"] * 100
    assert {(r.caption, r.reason, r.detail) for r in result.rejected} == {("bad", *FAULTS[fault])}
    assert result.rows_in == result.kept.num_rows + len(result.rejected) == 200


@pytest.mark.parametrize("fault", ["hang", "spin"])
def test_a_hang_ends_with_its_deadline(fault, sandbox) -> None:
    config = CONFIG.model_copy(update={"timeout_s": 0.5})
    sandbox.measure(GOOD, config)
    for number in range(5):
        began = time.monotonic()
        check = outcome(sandbox, order(fault, number), config)
        assert time.monotonic() - began >= 0.5
        assert check == Check("decoder_timed_out", False, None, 0.5)
        assert isinstance(outcome(sandbox, GOOD, CONFIG), Measured)


@pytest.mark.parametrize("fault", ["raise", "lie", "leave", "exit well"])
def test_what_is_no_answer_is_a_crash(fault, sandbox) -> None:
    check = outcome(sandbox, order(fault))
    assert isinstance(check, Check)
    assert check.reason == "decoder_crashed"
    assert check == outcome(sandbox, order(fault, 1))  # no number of a process, no address
    assert isinstance(outcome(sandbox, GOOD), Measured)


@pytest.mark.skipif(sys.platform != "linux", reason="a filter of system calls is Linux's")
def test_files_network_and_processes_are_out_of_reach(sandbox) -> None:
    check = outcome(sandbox, order("everything"))
    assert isinstance(check, Check)
    assert check.reason == "wrong_format"  # it went on to decode, having reached nothing


def test_threads_decode_side_by_side(sandbox) -> None:
    images = [encode(smooth(90, 60, seed), "JPEG") for seed in range(40)]
    images[7::10] = [order("SEGV", n) for n in range(4)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda encoded: outcome(sandbox, encoded), images))
    for encoded, result in zip(images, found, strict=True):
        if ORDER in encoded:
            assert result == Check("decoder_crashed", False, detail="SIGSEGV")
        else:
            assert equal(result, measure(encoded, CONFIG))


def test_a_nursery_that_was_killed_is_replaced(sandbox) -> None:
    assert isinstance(outcome(sandbox, GOOD), Measured)
    nursery = sandbox._nursery
    assert nursery is not None
    os.kill(nursery._process.pid, signal.SIGKILL)
    nursery._process.wait()
    assert isinstance(outcome(sandbox, GOOD), Measured)


def test_a_program_without_decoders_is_told_so() -> None:
    broken = Sandbox("no.such.module:function")
    check = outcome(broken, GOOD)
    assert isinstance(check, Check)
    assert check.detail == "exit status 1"
    broken.close()


def test_no_python_that_starts_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SandboxError, match="decoded in a child process"):
        Sandbox().measure(GOOD, CONFIG)


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


WORKER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
from pipelines.images.config import ImagesConfig
from pipelines.images.sandbox.sandbox import shared_sandbox
sandbox = shared_sandbox()
sandbox.measure(sys.stdin.buffer.read(), ImagesConfig(side=32, resize="lanczos"))
print(sandbox._nursery._process.pid, sandbox._idle[0]._pid, flush=True)
time.sleep({seconds})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("ending", [None, signal.SIGKILL, signal.SIGINT])
def test_children_end_with_their_worker(ending) -> None:
    seconds = 0 if ending is None else 100
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER.format(seconds=seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(GOOD)
        worker.stdin.close()
        children = [int(word) for word in worker.stdout.readline().split()]
        assert len(children) == 2
        if ending is not None:
            assert all(alive(pid) for pid in children)
            worker.send_signal(ending)
        worker.wait()
        deadline = time.monotonic() + 20
        while any(alive(pid) for pid in children) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not any(alive(pid) for pid in children)
        assert worker.stderr is not None
        printed = worker.stderr.read().decode()
        assert printed.count("Traceback") == (1 if ending == signal.SIGINT else 0)  # the worker's


def test_each_process_has_one_sandbox() -> None:
    assert shared_sandbox() is shared_sandbox()


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_nursery_whose_worker_goes_in_the_middle_of_a_word_says_nothing(is_whole):
    """As when Ctrl-C comes while it imports what decoding needs."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", MODULE, str(theirs.fileno()), WORK],
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stderr=subprocess.PIPE,
        )
    settings = ImagesConfig(resize="lanczos").model_dump_json().encode()
    with ours:
        ours.sendall(ASK.pack(FORK, len(settings)) + (settings if is_whole else b"{"))
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0
