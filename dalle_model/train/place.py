"""The place of a process among those that train one model together, as torchrun tells it."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from dalle_model.errors import UsageError
from dalle_model.training_settings import Training


class ParallelError(UsageError):
    """Processes cannot train together so: why, and which setting or command to change."""


@dataclass(frozen=True)
class Place:
    """Where a process stands.

    Args:
        device: of its weights.
        rank: its number, from 0.
        ranks: how many processes there are.
        mesh: all of them in a row; None for one that is alone.
    """

    device: torch.device
    rank: int = 0
    ranks: int = 1
    mesh: DeviceMesh | None = None


ALONE = Place(torch.device("cpu"))


@contextmanager
def joined(device: str) -> Iterator[Place]:
    """Join the processes that torchrun has started, until the end of the outermost such block.

    Args:
        device: `cpu`, or `cuda` for the card of this process; `auto` for a card where there is one.

    Raises:
        ParallelError: there is no such card, or torchrun's variables are not those of a process.
    """
    variables = os.environ
    ranks = int(variables.get("WORLD_SIZE", "1"))
    own = _device(device, int(variables.get("LOCAL_RANK", "0")))
    if own.type == "cuda":
        torch.cuda.set_device(own)
    if ranks == 1:
        yield Place(own)
        return
    if dist.is_initialized():
        yield _among(own, ranks)
        return
    _check(variables)
    backend = "cpu:gloo" if own.type == "cpu" else "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend, device_id=own if own.type == "cuda" else None)
    try:
        yield _among(own, ranks)
    finally:
        dist.destroy_process_group()


def _among(own: torch.device, ranks: int) -> Place:
    mesh = init_device_mesh(own.type, (ranks,), mesh_dim_names=("replica",))
    return Place(own, dist.get_rank(), ranks, mesh)


def refuse_parts(settings: Training, model: str) -> None:
    """Refuse what only the blocks of priors are made for: weights in parts, and PowerSGD.

    Raises:
        ParallelError: it was asked for.
    """
    if settings.parallel != "ddp" or settings.powersgd_rank:
        raise ParallelError(
            "of a codec each process has all weights, and sends all gradients: leave out "
            f"`{model}.training.parallel` and `powersgd_rank`"
        )


def is_first_of_machine() -> bool:
    """Whether this process does what one of each machine does, such as to write to its disk."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


def wait_for_all(place: Place) -> None:
    """Go on where all processes have come to this."""
    if place.mesh is not None:
        dist.barrier()


def _device(asked: str, local_rank: int) -> torch.device:
    cards = torch.cuda.device_count() if asked != "cpu" else 0
    if asked == "cpu" or (asked == "auto" and not cards):
        return torch.device("cpu")
    if asked not in {"auto", "cuda"}:
        raise ParallelError(f"device is {asked!r}; it must be auto, cpu or cuda")
    if local_rank >= cards:
        raise ParallelError(
            f"process {local_rank} of this machine has no card of its own: torch sees {cards}; "
            f"give torchrun --nproc-per-node {max(1, cards)}, or set the device to cpu"
        )
    return torch.device("cuda", local_rank)


def _check(variables: Mapping[str, str]) -> None:
    """And let gloo find the others of one machine without its name or network."""
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in variables]
    if missing:
        raise ParallelError(
            f"WORLD_SIZE is {variables['WORLD_SIZE']}, and {', '.join(missing)} not set: start the "
            "processes by `torchrun --nproc-per-node N -m dalle_model train …`"
        )
    if variables.get("LOCAL_WORLD_SIZE") == variables["WORLD_SIZE"]:
        loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
