"""`python -m benchmarks.reuse [IMAGES]`: what a second run costs, beside a run from nothing.

A generated web of photographs of real size goes from pages to tokens. Then a caption rule drops
some rows, one image is gone, and the rule goes again; each time the run goes on in its directory,
with one process or two, once killed on the way, and a run from nothing must give the same files.
"""

import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands import checksums
from tests.support.generated_web import requests_of
from tests.support.raw_server import running
from tests.support.real_size_web import STAGES, Cost, Runs

SHORT = "captions: {overrides: {too_many_chars: 55}}\n"
ALL = (*STAGES, "encode")


@dataclass(frozen=True)
class Change:
    """What is another between two runs in one directory.

    Args:
        name: for the table.
        rule: more lines of the config.
        fewer: images that are gone from the pages.
        kills: times that the run is killed on its way.
        workers: processes.
    """

    name: str
    rule: str = ""
    fewer: int = 0
    kills: int = 0
    workers: int = 1


CHANGES = (
    Change("a rule more", SHORT),
    Change("one image fewer", SHORT, fewer=1),
    Change("that rule no more, two processes, killed once", workers=2, kills=1),
)


def main(num_images: int = 20_000) -> int:
    """Print a line for each run."""
    with (
        tempfile.TemporaryDirectory() as name,
        running("tests.support.generated_web", f"{name}/web") as port,
    ):
        web = _Web(Path(name), num_images, port)
        web.go_on(Change("from nothing"))
        return 0 if all(map(web.is_as_from_nothing, CHANGES)) else 1


class _Web:
    def __init__(self, folder: Path, num_images: int, port: int) -> None:
        self.folder, self.num_images, self.port = folder, num_images, port

    def is_as_from_nothing(self, change: Change) -> bool:
        self.go_on(change)
        whole = Change(f"{change.name}, from nothing", change.rule, change.fewer)
        self.go_on(whole, self.folder / "nothing")
        found = [checksums(root) for root in (self.folder / "run", self.folder / "nothing")]
        _say(f"{len(found[0])} files, {'the same' if found[0] == found[1] else 'OTHERS'}")
        shutil.rmtree(self.folder / "nothing")
        return found[0] == found[1]

    def go_on(self, change: Change, root: Path | None = None) -> None:
        """Run to the end in a directory, and say what that took."""
        root = root or self.folder / "run"
        runs = Runs(self.folder, self.num_images - change.fewer, self.port)
        shards = f"num_shards: {max(2, self.num_images // 500)}"  # whatever is gone
        config = re.sub(r"num_shards: \d+", shards, runs.config.read_text())
        runs.config.write_text(config + change.rule)
        before, options = requests_of(self.port), ("--workers", change.workers)
        for _ in range(change.kills):
            assert runs.kill_after(20.0, root, *options)
        cost = runs.run(root, ALL, *options)
        said = (self.folder / "log").read_text()
        reused = re.findall(r"([\d,]+ of [\d,]+) rows reused", said)
        _tell(change, cost, requests_of(self.port) - before, reused)


def _tell(change: Change, cost: Cost, requests: int, reused: list[str]) -> None:
    _say(
        f"{change.name:55} {cost.cpu_s:8.1f} CPU-s {cost.wall_s:8.1f} s {requests:8,} requests; "
        f"reused {', '.join(reused) or 'nothing'}"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
