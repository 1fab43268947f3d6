"""Workers are stand-ins here; `tests/endtoend/test_encode_alone.py` starts real ones."""

import subprocess
import sys

import pytest

from pipelines.encode.alone.progress import Progress
from pipelines.encode.alone.workers import FailedWorkerError, WorkerError, encode_in_workers

SERVES = """
import os, sys
from pathlib import Path
from pipelines.encode.alone.workers import serve
def encode(index, on_rows):
    {broken}
    on_rows(10)
    Path(sys.argv[1], str(index)).write_text(str(os.getpid()))
serve(encode)
"""


def command(folder, broken: str = "") -> list[str]:
    return [sys.executable, "-c", SERVES.format(broken=broken), str(folder)]


def test_each_shard_is_done_once_and_told(tmp_path, capsys):
    progress = Progress(7, 0)
    encode_in_workers(command(tmp_path), 3, range(7), progress)
    progress.end()
    assert sorted(path.name for path in tmp_path.iterdir()) == [str(n) for n in range(7)]
    assert "7 of 7 shards, 70 images" in capsys.readouterr().err


def test_a_worker_that_fails_ends_all(tmp_path):
    failing = command(tmp_path, "if index == 2: sys.exit(3)")
    with pytest.raises(FailedWorkerError) as caught:
        encode_in_workers(failing, 2, range(40), Progress(40, 0))
    assert caught.value.code == 3


def test_a_worker_that_is_killed_is_named(tmp_path):
    dying = command(tmp_path, "os.kill(os.getpid(), 9)")
    with pytest.raises(WorkerError, match="signal 9, perhaps for lack of memory"):
        encode_in_workers(dying, 2, range(2), Progress(2, 0))


def test_a_worker_ends_with_the_process_that_started_it(tmp_path):
    slow = command(tmp_path, "import time; time.sleep(60)")
    worker = subprocess.Popen(slow, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write("0\n")
    worker.stdin.close()
    assert worker.wait(timeout=50) == 1
    worker.stdout.close()
