"""What a run costs on an engine: all of its processes are counted, and none twice."""

import subprocess
import sys
from pathlib import Path

from tools.flink.engines import cpu_s, family, hashes, watched

CHILD = """
import os
while sum(os.times()[:2]) < 0.5:
    pass
print("burnt", flush=True)
input()
"""
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=subprocess.PIPE)
input()
child.communicate(b"\\n")
"""


def test_a_server_and_all_below_it_are_counted():
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        with watched([parent.pid]) as found:
            assert parent.stdout.readline() == b"burnt\n"
            assert len(family(parent.pid)) == 2
            with_it, without = cpu_s([parent.pid]), cpu_s([])
        parent.communicate(b"\n")
    assert with_it - without >= 0.5
    assert found[0] == 0
    assert cpu_s([]) - without >= 0.5  # it has ended: of this process now


def test_files_are_compared_but_for_what_a_run_says_of_itself(tmp_path: Path):
    (tmp_path / "rejected").mkdir()
    for name in ("part.parquet", "rejected/part.parquet", "manifest.json", "timings.json"):
        (tmp_path / name).write_text(name)
    assert set(hashes(tmp_path)) == {"part.parquet", "rejected/part.parquet", "manifest.json"}
