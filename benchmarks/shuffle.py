"""`python -m benchmarks.shuffle DIRECTORY`: bytes that each stage sends through a shuffle, by row.

Runs the data stages of the demo in a new directory, with the local runner's buffers of grouped
elements counted. Keys of a shuffle are small, so what is counted is what any engine has to move;
headers and compression of an engine are not in it.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from apache_beam.runners.portability.fn_api_runner.execution import GroupingBuffer

from orchestration import api
from orchestration.engine.progress import Quiet
from pipelines.io.manifest import Manifest

STAGES = ("crawl", "captions", "fetch", "images", "dedupe")


class Shuffled(Quiet):
    """Bytes by stage; stages run one after another, so what comes belongs to the one under way."""

    def __init__(self) -> None:
        self.moved: Counter[str] = Counter()
        self.under_way = 0

    def finished(self, manifest: Manifest, timings: dict[str, object]) -> None:
        """Book what has been moved since the stage before."""
        self.moved[manifest.stage], self.under_way = self.under_way, 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is appended to groups within the block."""
        append = GroupingBuffer.append

        def counting(buffer: GroupingBuffer, data: bytes) -> None:
            self.under_way += len(data)
            append(buffer, data)

        with patch.object(GroupingBuffer, "append", counting):
            yield


def main(directory: str) -> int:
    """Print a line for each stage."""
    shuffled = Shuffled()
    with shuffled.counted():
        result = api.run(api.DEMO_CONFIG, directory, STAGES, progress=shuffled)
    for manifest in result.manifests:
        moved = shuffled.moved[manifest.stage]
        print(f"{manifest.stage:<10} {moved / manifest.rows_in:8.0f} bytes a row")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
