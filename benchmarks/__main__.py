"""`python -m benchmarks [NAME ...]`: every benchmark, or those named, as one Markdown table.

Each one races this program against a peer or a floor in alternate turns, on one thread. It compares
CPU seconds, with those of child processes, as the median of at least three turns, and also gives
the ratio by wall time; `real_size` compares whole commands, two turns each, and `hot_keys` stages
with themselves, one turn each. On a machine that others use, ratios vary less than rates.
"""

import logging
import os
import sys
import time
from importlib import import_module

BENCHMARKS = (
    "extraction",
    "archives",
    "wat",
    "captions",
    "tagging",
    "images",
    "dedupe",
    "similarity",
    "quality",
    "recipes",
    "decontaminate",
    "hot_keys",
    "encoding",
    "reading",
    "reader",
    "attention",
    "training_steps",
    "sampling",
    "real_size",
)
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
QUIET = {"NO_ALBUMENTATIONS_UPDATE": "1"}  # img2dataset's, which asks the web for its own version


def main(names: list[str]) -> int:
    """Run benchmarks by name; returns the exit status."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    os.environ.update(ONE_THREAD | QUIET)  # before anything that reads it is imported
    logging.disable(logging.WARNING)  # Beam's, on cloud libraries that are not installed
    from benchmarks.measure import markdown

    rows = []
    for name in names or BENCHMARKS:
        start = time.perf_counter()
        print(f"{name:12}", end="", file=sys.stderr, flush=True)
        rows += import_module(f"benchmarks.{name}").measure()
        print(f"{time.perf_counter() - start:6.1f} s", file=sys.stderr)
    print(markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
