"""Processes that begin with everything imported: what a command does, without its start.

A command that encodes takes eight seconds of CPU time to import what it needs, and less for its
work on what tests have. These processes are forked from one that has imported it.
"""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_PRELOADED = [
    *("apache_beam", "apache_beam.runners.portability.fn_api_runner", "pandas", "torch"),
    *("orchestration.api", "orchestration.beam.execute", "orchestration.cli.main"),
    *("orchestration.report.page", "orchestration.report.charts"),
    *("pipelines.crawl.pipeline", "pipelines.captions.pipeline", "pipelines.fetch.pipeline"),
    *("pipelines.images.shard", "pipelines.dedupe.pipeline", "pipelines.encode.shard"),
    *("dalle_model.tokenizers.dvae_codec", "dalle_model.train.prior"),
    "torch._dynamo",  # which the first step of an optimizer imports
]


def start(work: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Start a function in a process, which leads a group of its own.

    Args:
        work: a function of a module.
        arguments: of the function; picklable.
    """
    process = context().Process(target=_lead, args=(work, arguments))
    process.start()
    return process


def context() -> ForkServerContext:
    """What forks from the process that has imported everything.

    That process is the only one of its kind: whoever asks for it otherwise, and first, has it
    import nothing, and all that is started later import everything anew.
    """
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(_PRELOADED)
    return found


def kill(process: BaseProcess) -> None:
    """Kill a process that `start` made, and its group."""
    pid = process.pid or 0
    os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):  # it has not begun its group yet
        os.killpg(pid, signal.SIGKILL)
    process.join()


def command(
    words: Sequence[str], environment: Mapping[str, str], cwd: Path | None, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """Run `dalle` to its end, as `subprocess.run` does.

    Args:
        words: the program, and its arguments.
        environment: all of it.
        cwd: the working directory; by default that of this process.
        timeout_s: after which it is killed.

    Raises:
        subprocess.TimeoutExpired: it was killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        printed = [Path(folder, "stdout"), Path(folder, "stderr")]
        process = start(_command, list(words), dict(environment), cwd or Path.cwd(), printed)
        process.join(timeout_s)
        if process.exitcode is None:
            kill(process)
            raise subprocess.TimeoutExpired(words, timeout_s)
        stdout, stderr = (path.read_text() for path in printed)
    return subprocess.CompletedProcess(words, process.exitcode, stdout, stderr)


def _lead(work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    os.setsid()
    assert "torch" in sys.modules, "the fork server was started otherwise than by `context`"
    work(*arguments)


def _command(words: list[str], environment: dict[str, str], cwd: Path, printed: list[Path]) -> None:
    for number, path in enumerate(printed, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    logging.root.handlers.clear()  # set up by Beam's import; a command has its own
    sys.argv, sys.modules["__main__"] = words, types.ModuleType("__main__")
    from orchestration.__main__ import main

    main()
