"""Each command many times on a busy machine: a table of exit codes.

Usage: python -m tests.support.many_times NUMBER [NAME OF A COMMAND ...]
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands import dalle
from tests.support.tiny_run import MODELS, mix_codecs, run_tiny, write_tiny_config

AT_ONCE = os.cpu_count() or 1  # commands side by side
BUSY_LOOPS = 2  # beside them, of lower priority


@dataclass(frozen=True)
class Command:
    """A command line and what it must end with.

    Args:
        arguments: with `{root}`, a copy of a finished run; `{mixed}`, a run whose token shards are
            of two codecs; `{config}`; `{fresh}`, a folder that is not there; `{out}`.
        code: its documented exit code.
    """

    arguments: str
    code: int = 0


COMMANDS = {
    "help": Command("--help"),
    "version": Command("--version"),
    "wrong-command": Command("rum", 2),
    "run-fresh": Command("run --config {config} --dir {fresh}"),
    "run-fresh-2": Command("run crawl captions --config {config} --dir {fresh} --workers 2"),
    "run-finished": Command("run --config {config} --dir {root}"),
    "explain": Command("explain images/0.png --dir {root}"),
    "report": Command("report --dir {root}"),
    "verify": Command("verify --dir {root}"),
    "verify-damaged": Command("verify --dir {mixed}", 1),
    "recipes": Command("recipes dalle laion --config {config} --dir {root}"),
    "sample": Command("sample photograph -n 1 --dir {root} --out {out}"),
    "grid": Command("grid --dir {root} --out {out}"),
    "grid-two-codecs": Command("grid --dir {mixed} --out {out}", 1),
    "train-bpe": Command("train bpe --config {config} --dir {root}"),
    "wrong-config": Command("run --config {wrong} --dir {fresh}", 2),
    "missing-config": Command("run --config none.yaml", 2),
    "missing-file": Command("run --config {missing} --dir {fresh}", 2),
    "no-run": Command("verify --dir {fresh}", 2),
}


class Prepared:
    """What the commands work on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        config = write_tiny_config(folder, MODELS)
        root = run_tiny(config, folder / "run")
        self._paths = {
            "root": root,
            "mixed": mix_codecs(root, folder / "mixed"),
            "config": config,
            "wrong": folder / "wrong.yaml",
            "missing": folder / "missing.yaml",
        }
        self._paths["wrong"].write_text(config.read_text() + "encoder: {codec: demo}\n")
        self._paths["missing"].write_text(config.read_text().replace("path: images", "path: none"))

    def run(self, command: Command) -> subprocess.CompletedProcess[str]:
        """Run a command once, on copies of its own."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            own = Path(name)
            paths = self._paths | {"fresh": own / "fresh", "out": own / "sheet.png"}
            for key in ("root", "mixed"):
                if f"{{{key}}}" in command.arguments:
                    paths[key] = Path(shutil.copytree(self._paths[key], own / key))
            return dalle(*command.arguments.format(**paths).split(), check=False, cwd=own)


@contextlib.contextmanager
def busy_machine() -> Iterator[None]:
    """Keep the processors busy until the block ends."""
    # A loop ends with this process, however that ends.
    loop = f"import os\nwhile os.getppid() == {os.getpid()}: pass"
    command = ["nice", sys.executable, "-c", loop]
    loops = [subprocess.Popen(command) for _ in range(BUSY_LOOPS)]
    try:
        yield
    finally:
        for process in loops:
            process.kill()
            process.wait()


def main(number: str, *names: str) -> int:
    chosen = {name: COMMANDS[name] for name in names or COMMANDS}
    is_right = True
    with (
        tempfile.TemporaryDirectory() as folder,
        busy_machine(),
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        prepared = Prepared(Path(folder))
        for name, command in chosen.items():
            results = list(threads.map(prepared.run, [command] * int(number)))
            codes = Counter(result.returncode for result in results)
            wrong = [result for result in results if result.returncode != command.code]
            is_right = is_right and not wrong
            verdict = "WRONG" if wrong else "right"
            table = "  ".join(f"{code}: {count}" for code, count in sorted(codes.items()))
            _say(f"{name:<16} {verdict}  expected {command.code}  {table}")
            for result in wrong[:3]:
                _say(f"  exit {result.returncode}\n{result.stdout}{result.stderr}")
    return 0 if is_right else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
