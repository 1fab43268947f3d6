"""Trainings of a tiny model on several ranks, processes that talk by gloo on this machine."""

from typing import Literal

import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from dalle_model.train.checkpoints import Checkpoints
from dalle_model.train.optimizers import named_state
from tests.support.ranks import in_ranks
from tests.support.tiny_training import TinyRun, folder_of

Layout = Literal["sharded", "replicated"]


def train(out_url: str, ranks: int, steps: int, layout: Layout = "sharded") -> dict[str, Tensor]:
    """Go on where there is a checkpoint, to so many steps, save, and return all tensors."""
    tensors, *_ = in_ranks(ranks, _train, out_url, steps, layout)
    return dict(tensors)


def _train(out_url: str, steps: int, layout: Layout) -> dict[str, Tensor]:
    dist.init_process_group("gloo")
    run = TinyRun("adamw", is_sharded=layout == "sharded")
    if layout == "replicated":
        names = set(named_state(run.model, run.optimizers))
        run.objective = DistributedDataParallel(run.model)
        assert set(named_state(run.objective, run.optimizers)) == names
    with Checkpoints(folder_of(out_url), keep=1) as checkpoints:
        checkpoints.load(run)
        while run.step < steps:
            run.take_step()
        checkpoints.save(run)
    tensors = run.tensors()
    dist.destroy_process_group()
    return tensors
