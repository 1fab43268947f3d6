"""Crawl to dedupe on a generated web of real size: the books, the bytes and the cost of each stage.

Usage: python -m tests.support.real_size_web [NUMBER OF IMAGES] [NUMBER OF KILLS]

The run is made stage by stage, with two workers, with shuffled sources, and killed at random
moments; each must give the same files, and the books must say what was planted.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, read_manifest
from tests.support.commands import checksums, environment, killed
from tests.support.generated_web import SUFFIX, expected, write_pages
from tests.support.raw_server import running

STAGES = ("crawl", "captions", "fetch", "images", "dedupe")
MIN_RECALL = 0.98  # of planted near duplicates. Source: the goal of the stage
MAX_FALSE = 0.01  # of all images, which are crops of the same few fields
# Seconds after which a run may still be killed, since it takes some to start. All kills together
# take about as long as one run.
MIN_LATEST_S = 8.0
CONFIG = f"""\
name: generated
num_shards: {{num_shards}}
crawl: {{{{sources: [{{{{path: {{pages}}, name: generated}}}}]}}}}
fetch: {{{{per_host_concurrency: 8, backoff_s: 0.1}}}}
images: {{{{side: 256}}}}
replay: {{{{archive: {{pages}}/pages-0.warc.gz, hosts: {SUFFIX}}}}}
"""


@dataclass(frozen=True)
class Cost:
    """What a command used: CPU seconds of all its processes, and the most memory of one of them."""

    wall_s: float
    cpu_s: float
    peak_mib: float


class Runs:
    """Runs of one generated web, in folders below a folder.

    Args:
        folder: to write to.
        num_images: of the web.
        port: of its server.
        stages: of the run, in order.
        sections: further sections of the config, as YAML.
    """

    def __init__(
        self,
        folder: Path,
        num_images: int,
        port: int,
        stages: Sequence[str] = STAGES,
        sections: str = "",
    ) -> None:
        self.folder, self.num_images, self.port = folder, num_images, port
        self.stages, self.sections = stages, sections
        self.config = self._write("pages", None)
        self.shuffled = self._write("shuffled", 7)

    def _write(self, name: str, shuffle_seed: int | None) -> Path:
        pages = self.folder / name
        write_pages(pages, self.num_images, shuffle_seed=shuffle_seed)
        path = self.folder / f"{name}.yaml"
        num_shards = max(2, self.num_images // 500)
        path.write_text(CONFIG.format(pages=pages, num_shards=num_shards) + self.sections)
        return path

    def run(self, root: Path, stages: Sequence[str] = (), *options: object) -> Cost:
        """Run some stages to their end; by default all.

        Raises:
            AssertionError: the command failed; with what it printed.
        """
        began = time.monotonic()
        with (self.folder / "log").open("w+") as log:
            process = self._start(root, stages, options, log.fileno())
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            assert process.returncode == 0, log.read()[-3000:]
        cpu_s = used.ru_utime + used.ru_stime
        return Cost(time.monotonic() - began, cpu_s, used.ru_maxrss / 1024)

    def kill_after(self, seconds: float, root: Path, *options: object) -> bool:
        """Start a run and kill all its processes after a while; False if it had ended."""
        return killed(self._start(root, (), options, subprocess.DEVNULL), seconds)

    def _start(
        self, root: Path, stages: Sequence[str], options: Sequence[object], output: int
    ) -> subprocess.Popen[bytes]:
        words = ["run", *(stages or self.stages), *map(str, options), "--dir", str(root)]
        if "--config" not in words:
            words += ["--config", str(self.config)]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.served_run", str(self.port), *words],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(),
            start_new_session=True,
        )

    def killed(self, root: Path, num_kills: int, whole_s: float, *options: object) -> list[Path]:
        """Kill a run at random moments, and let it finish; further runs where it was faster."""
        moments, kills = random.Random(20), 0
        latest = min(0.7 * whole_s, max(MIN_LATEST_S, 2 * whole_s / num_kills))
        finished: list[Path] = []
        while kills < num_kills:
            here = root / f"run-{len(finished)}"
            while kills < num_kills and self.kill_after(moments.uniform(1, latest), here, *options):
                kills += 1
            self.run(here, (), *options)
            finished.append(here)
        return finished


def books(root: Path, stages: Sequence[str] = STAGES) -> dict[str, Manifest]:
    """The manifests of some stages, in order.

    Raises:
        AssertionError: rows in are not rows out and rows dropped, or not those of the stage before.
    """
    found: dict[str, Manifest] = {}
    for stage in stages:
        manifest = read_manifest(RunFolder(str(root)).stage(stage))
        assert manifest is not None, stage
        assert manifest.rows_in == manifest.rows_kept + sum(manifest.rejected.values()), stage
        if found:
            assert manifest.rows_in == list(found.values())[-1].rows_out, stage
        found[stage] = manifest
    return found


def check_books(found: dict[str, Manifest], num_images: int) -> None:
    """Compare the books with what was planted.

    Raises:
        AssertionError: they differ.
    """
    planted = expected(num_images)
    assert found["crawl"].rows_in == num_images
    assert found["crawl"].rejected == found["captions"].rejected == {}
    assert Counter(found["fetch"].rejected) == planted["fetch"]
    assert Counter(found["images"].rejected) == planted["images"]
    dropped, duplicates = found["dedupe"].rejected, planted["dedupe"]
    assert dropped.get("exact_duplicate", 0) == duplicates["exact_duplicate"]
    near, num_planted = dropped.get("near_duplicate", 0), duplicates["near_duplicate"]
    assert MIN_RECALL * num_planted <= near <= num_planted + MAX_FALSE * num_images
    assert set(dropped) <= set(duplicates)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(num_images: int = 20_000, num_kills: int = 20) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        running("tests.support.generated_web", f"{name}/web") as port,
    ):
        runs = Runs(Path(name), num_images, port)
        first = Path(name) / "first"
        whole_s = 0.0
        for stage in STAGES:
            cost = runs.run(first, [stage])
            whole_s += cost.wall_s
            _say(
                f"{stage:10} {cost.wall_s:8.1f} s {cost.cpu_s:8.1f} CPU-s {cost.peak_mib:7.0f} MiB"
            )
        found = books(first)
        for stage, manifest in found.items():
            _say(
                f"{stage:10} {manifest.rows_in:7} in {manifest.rows_out:7} out {manifest.rejected}"
            )
        check_books(found, num_images)
        sums = checksums(first)
        for label, options in {
            "two workers": ("--workers", 2),
            "shuffled sources": ("--config", runs.shuffled, "--workers", 2),
        }.items():
            root = Path(name) / label.replace(" ", "-")
            cost = runs.run(root, (), *options)
            is_same = checksums(root) == sums
            _say(f"{label}: {cost.wall_s:.1f} s, {'the same' if is_same else 'OTHER'} files")
            assert is_same, label
            shutil.rmtree(root)
        finished = runs.killed(Path(name) / "killed", num_kills, whole_s, "--workers", 2)
        assert all(checksums(root) == sums for root in finished)
        _say(f"killed {num_kills} times in {len(finished)} runs: the same files")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
