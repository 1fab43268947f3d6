"""`encode` killed at random moments, and gone on with until it is whole: the bytes of a quiet run.

Usage: python -m tests.support.many_kills [NUMBER]
"""

import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dalle_model.pixels import to_png
from tests.support.commands import NOT_COMPARED
from tests.support.image_rows import noise

STAGES = ("crawl", "captions", "fetch", "images", "dedupe")
NUM_SHARDS, NUM_IMAGES = 8, 240  # a second of encoding, in batches of which most are not full
CONFIG = """\
name: killed
num_shards: {num_shards}
crawl: {{sources: [{sources}]}}
captions: {{recipe: none}}
images: {{side: 64}}
"""
# Processes begin with everything imported, so that a kill meets the work and not its start.
_PRELOADED = [
    *("apache_beam", "apache_beam.runners.portability.fn_api_runner", "pandas", "torch"),
    *("orchestration.api", "orchestration.beam.execute", "orchestration.report.page"),
    *("pipelines.encode.shard", "dalle_model.tokenizers.dvae_codec"),
]


@dataclass(frozen=True)
class Encodes:
    """Runs that differ in nothing but how `encode` is done.

    Args:
        folder: of images, configs and runs.
        config: of all of them.
        base: a run that is finished but for `encode`.
    """

    folder: Path
    config: Path
    base: Path

    def fresh(self, name: str) -> Path:
        """A copy of the run, in which `encode` has not begun."""
        return Path(shutil.copytree(self.base, self.folder / name))


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


def killed(config: Path, root: Path, seconds: float) -> bool:
    """Start `encode` and kill it after a while; False where it had ended by then."""
    process = start(config, root, ("encode",))
    process.join(seconds)
    if process.exitcode is not None:
        assert process.exitcode == 0
        return False
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    return process.exitcode == -signal.SIGKILL


def start(
    config: Path, root: Path, stages: tuple[str, ...], max_file_bytes: int = 0
) -> multiprocessing.process.BaseProcess:
    """A process that runs stages."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    process = context.Process(target=_run, args=(config, root, stages, max_file_bytes))
    process.start()
    return process


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
    began = time.monotonic()
    assert finished(encodes.config, encodes.fresh("timed"))
    latest, moments = time.monotonic() - began, random.Random(number)
    done, runs = Counter[int](), 0
    while done.total() < number:
        root = encodes.fresh(f"run-{runs}")
        runs += 1
        while killed(encodes.config, root, moments.uniform(0, latest)):
            done[len(list((root / "encode" / "progress").glob("*.json")))] += 1
            if done.total() == number:
                break
        assert finished(encodes.config, root)
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


def main(number: str = "50") -> int:
    with tempfile.TemporaryDirectory() as name:
        encodes = prepare(Path(name))
        root = encodes.fresh("undisturbed")
        assert finished(encodes.config, root)
        began = time.monotonic()
        done = survive(encodes, tokens_of(root), int(number))
        seconds = time.monotonic() - began
    shown = ", ".join(f"{count} with {shards}" for shards, count in sorted(done.items()))
    sys.stdout.write(
        f"{done.total()} kills of encode in {seconds:.0f} s, by shards that were done of "
        f"{NUM_SHARDS}: {shown}; each run then had the bytes of one that was not killed\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
