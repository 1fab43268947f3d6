"""Stages killed at random moments, and gone on with until they are whole: the bytes of a quiet run.

On the local runner, or by a job service and its pool of workers, which are then killed as well.
Usage: python -m tests.support.many_kills [NUMBER] [--portable]
"""

import argparse
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from dalle_model.pixels import to_png
from orchestration.engine.jobs import current_job, end_job
from tests.support import engine_run, forked
from tests.support.commands import NOT_COMPARED, environment
from tests.support.image_rows import noise
from tests.support.wheel_run import NAMESPACE

STAGES = ("crawl", "captions", "fetch", "images", "dedupe")
NUM_SHARDS, NUM_IMAGES = 8, 240  # a second of encoding, in batches of which most are not full
CONFIG = """\
name: killed
num_shards: {num_shards}
crawl: {{sources: [{sources}]}}
captions: {{recipe: none}}
images: {{side: 64}}
"""
# Whose end is that of all in it, as of a machine: a killed child takes its processes along.
MACHINE = (*NAMESPACE, "--pid", "--fork", "--kill-child")


@dataclass(frozen=True)
class Encodes:
    """Runs that differ in nothing but how `encode` is done.

    Args:
        folder: of images, configs and runs.
        config: of all of them.
        base: a run that is finished but for `encode`.
        engine: of `engine_run`, by which `encode` is done; empty for the local runner.
    """

    folder: Path
    config: Path
    base: Path
    engine: str = ""

    def fresh(self, name: str) -> Path:
        """A copy of the run, in which `encode` has not begun."""
        return Path(shutil.copytree(self.base, self.folder / name))

    def start(self, root: Path) -> BaseProcess:
        """A process that goes on with `encode`."""
        return start(self.config, root, ("encode",), engine=self.engine)


def prepare(folder: Path, num_images: int = NUM_IMAGES) -> Encodes:
    """Write images and a config, and run all stages before `encode`."""
    write_images(folder, num_images)
    config = write_config(folder / "killed.yaml", ["one", "two"])
    assert finished(config, folder / "base", STAGES)
    return Encodes(folder, config, folder / "base")


def write_images(folder: Path, num_images: int) -> None:
    """Images of random pixels in two folders, each with a caption."""
    for number in range(num_images):
        place = folder / ("one", "two")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.png").write_bytes(to_png(noise(number, 64, 72 + number % 24)))
        (place / f"{number}.txt").write_text(f"noise of number {number}")


def write_config(path: Path, sources: list[str], num_shards: int = NUM_SHARDS) -> Path:
    """A config that reads some folders beside it, in an order."""
    listed = ", ".join(f"{{path: {name}, name: {name}}}" for name in sources)
    path.write_text(CONFIG.format(num_shards=num_shards, sources=listed))
    return path


def finished(
    config: Path, root: Path, stages: tuple[str, ...] = ("encode",), max_file_bytes: int = 0
) -> bool:
    """Run stages in a process of their own, with a bound on the size of files; whether they end."""
    process = start(config, root, stages, max_file_bytes)
    process.join()
    return process.exitcode == 0


def complete(encodes: Encodes, root: Path) -> float:
    """Go on with `encode` until it is whole; seconds from its first file to its process's end."""
    process = encodes.start(root)
    _join_until_it_works(process, root)
    began = time.monotonic()
    process.join()
    _check_ended_well(process, root)
    return time.monotonic() - began


def killed(config: Path, root: Path, seconds: float, stages: tuple[str, ...]) -> bool:
    """Start stages and kill all their processes after a while; False where they had ended."""
    process = start(config, root, stages)
    process.join(seconds)
    return _killed(process, root)


def killed_at_work(encodes: Encodes, root: Path, seconds: float) -> bool:
    """Kill `encode` so long after it began to work; False where it had ended by then."""
    process = encodes.start(root)
    _join_until_it_works(process, root)
    process.join(seconds)
    was_killed = _killed(process, root)
    if was_killed and current_job(str(root)):
        end_job(str(root))  # as `dalle cancel`: the next run cannot know that its service is gone
    return was_killed


def _killed(process: BaseProcess, root: Path) -> bool:
    if process.exitcode is not None:
        _check_ended_well(process, root)
        return False
    forked.kill(process)
    return process.exitcode == -signal.SIGKILL


def _log(root: Path) -> Path:
    """What the last process on an engine has printed."""
    return root.with_suffix(".log")


def _check_ended_well(process: BaseProcess, root: Path) -> None:
    said = _log(root).read_text() if _log(root).exists() else ""
    assert process.exitcode == 0, f"exit {process.exitcode}: {said}"


def _join_until_it_works(process: BaseProcess, root: Path) -> None:
    """Wait until the files of `encode` are not what they were, or the process ends."""
    before = set((root / "encode").rglob("*"))
    while process.exitcode is None and set((root / "encode").rglob("*")) == before:
        process.join(0.01)


def start(
    config: Path, root: Path, stages: tuple[str, ...], max_file_bytes: int = 0, engine: str = ""
) -> BaseProcess:
    """A process that runs stages."""
    if engine:
        return forked.start(_run_on, engine, config, root, stages)
    return forked.start(_run, config, root, stages, max_file_bytes)


def tokens_of(root: Path) -> dict[str, bytes]:
    """Every file of `encode` that is compared, by its path: shards, rejections, manifest, card."""
    paths = [path for path in sorted((root / "encode").rglob("*")) if path.is_file()]
    folder = root / "encode"
    kept = [path for path in paths if path.name not in NOT_COMPARED]
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept}


def survive(encodes: Encodes, expected: dict[str, bytes], number: int) -> Counter[int]:
    """Kill `encode` so many times, going on each time until it is whole.

    Returns:
        How often so many shards were done when it was killed.
    """
    latest, moments = complete(encodes, encodes.fresh("timed")), random.Random(number)
    done, runs = Counter[int](), 0
    while done.total() < number:
        root = encodes.fresh(f"run-{runs}")
        runs += 1
        while killed_at_work(encodes, root, moments.uniform(0, latest)):
            done[len(list((root / "encode" / "progress").glob("*.json")))] += 1
            if done.total() == number:
                complete(encodes, root)
                break
        assert tokens_of(root) == expected, f"after kills with {dict(done)} shards done"
        shutil.rmtree(root)
    return done


def _run(config: Path, root: Path, stages: tuple[str, ...], max_file_bytes: int) -> None:
    from orchestration import api

    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    if max_file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))
    api.run(str(config), str(root), stages)


def _run_on(engine: str, config: Path, root: Path, stages: tuple[str, ...]) -> None:
    """Become a machine of its own, in which an engine and its workers are started for one run."""
    log = os.open(_log(root), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    run = [sys.executable, engine_run.__file__, engine, *stages, "--config", config, "--dir", root]
    os.execvpe(MACHINE[0], [*MACHINE, *map(str, run)], environment())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", nargs="?", type=int, default=50)
    parser.add_argument("--portable", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        encodes = prepare(Path(name))
        root = encodes.fresh("undisturbed")
        assert finished(encodes.config, root)
        began = time.monotonic()
        on = replace(encodes, engine=engine_run.SERVICE if asked.portable else "")
        done = survive(on, tokens_of(root), asked.number)
        seconds = time.monotonic() - began
    shown = ", ".join(f"{count} with {shards}" for shards, count in sorted(done.items()))
    sys.stdout.write(
        f"{done.total()} kills of encode in {seconds:.0f} s, by shards that were done of "
        f"{NUM_SHARDS}: {shown}; each run then had the bytes of one that was not killed\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
