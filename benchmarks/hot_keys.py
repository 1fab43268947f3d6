"""Rows that share one pair, image, caption or hash, against as many rows that share nothing.

Each turn is a stage on generated input, with two worker processes, below a process of its own. So
`python -m benchmarks.hot_keys 20000 100000 300000` prints, for those numbers of rows, what a row
costs and the memory of the largest process.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread

from benchmarks.hot_rows import CASES, DISTINCT, NUM_SHARDS, config_of, write_input
from benchmarks.measure import Row
from benchmarks.processes import adopt_orphans, cpu_seconds, descendants, end_orphans

NUM_ROWS = 100_000
_EVERY_S = 0.1  # that memory is looked at; chosen: a peak is kept by the kernel meanwhile
PEER = "the same rows, all different"


@dataclass(frozen=True)
class Cost:
    """Of a turn.

    Args:
        cpu_s: seconds of all its processes.
        peak_bytes: of the largest of its processes, resident.
    """

    cpu_s: float
    peak_bytes: int


def measure() -> list[Row]:
    """Rows per CPU-second, and bytes of the largest process, by stage and by what is shared."""
    rows = []
    for stage, cases in CASES.items():
        plain = cost_of(stage, DISTINCT, NUM_ROWS)
        for case in cases:
            if case != DISTINCT:
                rows += _compared(f"{stage}: {case}", cost_of(stage, case, NUM_ROWS), plain)
    return rows


def _compared(name: str, hot: Cost, plain: Cost) -> list[Row]:
    rates = NUM_ROWS / hot.cpu_s, NUM_ROWS / plain.cpu_s
    sizes = hot.peak_bytes / 1e6, plain.peak_bytes / 1e6
    return [
        Row(name, "rows/CPU-s", PEER, *rates, plain.cpu_s / hot.cpu_s),
        Row(name, "MB at the peak", PEER, *sizes, plain.peak_bytes / hot.peak_bytes),
    ]


def cost_of(stage: str, case: str, num_rows: int) -> Cost:
    """What a stage costs on rows of a case, with the start of its processes.

    Raises:
        RuntimeError: the stage failed; with what it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        _in_process("write", stage, case, num_rows, folder)
        adopt_orphans()
        known = set(descendants("self"))
        before = cpu_seconds(known)
        peak = _in_process("work", stage, case, num_rows, folder)
        end_orphans(known)
        return Cost(cpu_seconds(known) - before, peak)


def _in_process(step: str, stage: str, case: str, num_rows: int, folder: str) -> int:
    command = [
        sys.executable,
        "-m",
        "benchmarks.hot_keys",
        step,
        stage,
        case,
        str(num_rows),
        folder,
    ]
    log = Path(folder) / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        peak = _peak_until_end(process)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[3:])}: {log.read_text()[-2000:]}")
    return peak


def _peak_until_end(process: "subprocess.Popen[bytes]") -> int:
    ended, peaks = Event(), [0]

    def look() -> None:
        while not ended.wait(_EVERY_S):
            pids = [process.pid, *descendants(process.pid)]
            peaks[0] = max(peaks[0], *map(_peak_of, pids))

    watching = Thread(target=look, daemon=True)
    watching.start()
    process.wait()
    ended.set()
    watching.join()
    return peaks[0]


def _peak_of(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has just ended
    peaks = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(peaks[0]) * 1024 if peaks else 0


def work(stage: str, case: str, folder: str) -> None:
    """Run a stage on input that is written, with two worker processes."""
    from orchestration.beam.execute import execute
    from orchestration.engine.registry import registry
    from pipelines.io.task import finished_shards
    from pipelines.records import SELECTION
    from pipelines.stage import Job, Runtime
    from tests.support.tasks import stage_task

    found = registry()[stage]
    task = stage_task(folder, stage, NUM_SHARDS)
    task = replace(task, inputs={r: u for r, u in task.inputs.items() if r != SELECTION})
    config = found.config.model_validate(config_of(stage, folder))
    execute(found, Job(task, config, Runtime(workers=2)), [])
    reports = finished_shards(task).values()
    told = {"in": sum(r.rows_in for r in reports), "out": sum(r.rows_out for r in reports)}
    sys.stdout.write(json.dumps(told))


def main(arguments: list[str]) -> None:
    """Print a line for each stage, case and number of rows; for some stages, where any is named."""
    counts = [int(word) for word in arguments if word.isdecimal()]
    stages = [word for word in arguments if not word.isdecimal()] or list(CASES)
    for stage in stages:
        for case in CASES[stage]:
            for count in counts:
                cost = cost_of(stage, case, count)
                sys.stdout.write(
                    f"{stage:<9} {case:<28} {count:>9,} rows: {cost.cpu_s:7.1f} CPU s, "
                    f"{cost.cpu_s / count * 1e6:7.1f} us a row, {cost.peak_bytes / 1e6:7.0f} MB\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write_input(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    elif sys.argv[1] == "work":
        work(sys.argv[2], sys.argv[3], sys.argv[5])
    else:
        main(sys.argv[1:])
