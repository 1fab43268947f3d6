"""`python -m benchmarks.captions_run ROOT`: the captions of a run, and what they cost, as JSON.

A process of its own, so that its peak of memory is that of the stage.
"""

import json
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path


def main(root: str) -> None:
    """Run the stage on all shards of `root`; models are loaded by a few captions before that."""
    from benchmarks.captions import generated_captions, run, untagged, write_candidates
    from pipelines.io.stage import StageTask

    config = untagged("dalle")
    with tempfile.TemporaryDirectory() as warm:
        run(write_candidates(warm, generated_captions(100)), config)
    count = len(list(Path(root, "crawl").iterdir()))
    task = StageTask(root, "captions", count, "benchmark", "0" * 64, tuple(range(count)))
    start = time.process_time()
    run(task, config)
    cpu_s = time.process_time() - start
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cpu_s": cpu_s, "peak_gb": peak_kb * 1024 / 1e9}))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main(sys.argv[1])
