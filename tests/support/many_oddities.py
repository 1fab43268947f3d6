"""Many generated sources with planted oddities: kept + rejected + counted is what was put in.

Usage: python -m tests.support.many_oddities NUMBER [KIND ...]
"""

import logging
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.pipelines.crawl.images.test_odd_sources import check_folder, check_tar
from tests.support.odd_archives import faults_of, odd_archive
from tests.support.odd_tables import fault_of, odd_table

MAX_SHOWN = 3  # faults of a kind; chosen: a screen


def check_table(_folder: Path, seed: int) -> None:
    """A table gives each row that was put in, as it was or rejected."""
    table = odd_table(seed)
    assert fault_of(table) == "", table.traits


def check_archive(_folder: Path, seed: int) -> None:
    """Each record of an archive is a page, a rejection or counted, read as one and in parts."""
    assert faults_of(odd_archive(seed)) == []


KINDS: dict[str, Callable[[Path, int], None]] = {
    "tables": check_table,
    "folders": check_folder,
    "tars": check_tar,
    "archives": check_archive,
}


def fault(seed: int, kind: str) -> str:
    """What is wrong with one source; empty where nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            KINDS[kind](Path(folder), seed)
        except Exception:  # noqa: BLE001 - any is a fault
            return f"{kind} {seed}: {traceback.format_exc()}"
    return ""


def main(number: str, *kinds: str) -> int:
    num_faults = 0
    with get_context("spawn").Pool(os.cpu_count(), logging.disable) as pool:
        for kind in kinds or KINDS:
            began = time.monotonic()
            every = pool.imap_unordered(partial(fault, kind=kind), range(int(number)), chunksize=16)
            faults = [text for text in every if text]
            num_faults += len(faults)
            _say(
                f"{kind:<10} {number} made, {len(faults)} faults, {time.monotonic() - began:.0f} s"
            )
            for text in faults[:MAX_SHOWN]:
                _say(text)
    return 1 if num_faults else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
