"""`python -m benchmarks.captions_run ROOT`: the captions of a run, and what they cost.

A process of its own, so that its peak memory is that of the stage.
"""

import json
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.captions import captions_task, generated_captions, run, untagged, write_candidates
from pipelines.io.task import StageTask

FEW = 100


def main(root: str) -> None:
    """Print CPU seconds for all shards of `root`, those for a few captions, and the peak in GB."""
    with tempfile.TemporaryDirectory() as folder:
        few = write_candidates(folder, generated_captions(FEW))
        _cpu_s(few)  # loads the model
        start_s = min(_cpu_s(few) for _ in range(3))
    count = len(list(Path(root, "crawl").iterdir()))
    task = captions_task(root, count)
    cpu_s = _cpu_s(task)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([cpu_s, start_s, peak_kb * 1024 / 1e9]))


def _cpu_s(task: StageTask) -> float:
    start = time.process_time()
    run(task, untagged("dalle"))
    return time.process_time() - start


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main(sys.argv[1])
