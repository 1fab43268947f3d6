"""Functions run in several processes at once, which find each other as those of torchrun do."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from tests.support import forked

TIMEOUT_S = 120


def in_ranks(number: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What a function returns in each of so many processes.

    Args:
        number: of processes.
        work: a function of a module.
        arguments: the same for all; picklable.

    Raises:
        AssertionError: one has failed; its traceback is in what pytest shows of stderr.
    """
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    with tempfile.TemporaryDirectory() as folder:
        results = [Path(folder, str(rank)) for rank in range(number)]
        processes = [
            forked.start(_work, environment(rank, number, store.port), result, work, arguments)
            for rank, result in enumerate(results)
        ]
        for process in processes:
            process.join(TIMEOUT_S)
        for process in processes:
            if process.exitcode is None:
                forked.kill(process)
        assert [process.exitcode for process in processes] == [0] * number
        return [torch.load(result, weights_only=False) for result in results]


def environment(rank: int, number: int, port: int) -> dict[str, str]:
    """What torchrun tells a process on one machine."""
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(number),
        "LOCAL_WORLD_SIZE": str(number),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "GLOO_SOCKET_IFNAME": "lo",
    }


def _work(
    variables: dict[str, str], result: Path, work: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    os.environ.update(variables)
    torch.set_num_threads(1)
    torch.save(work(*arguments), result)
