"""Weights of which each process has a part, and gathers those of a block for its turn: FSDP2."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from dalle_model.train.muon import Muon
from dalle_model.train.parallel import Alone
from dalle_model.train.place import ParallelError, Place
from dalle_model.train.recomputing import blocks_of
from dalle_model.train.task import Task


class Fsdp(Alone):
    """Each process has a part of each weight, and gathers those of a block for its turn.

    Args:
        task: whose model and optimizers, without a state yet, are changed in place.
        place: of this process.
        averaged: moving average of weights, which is shared likewise; or None.
        dtype: in which the weights of blocks are gathered.

    Raises:
        ParallelError: Muon needs whole matrices.
    """

    def __init__(
        self, task: Task, place: Place, averaged: nn.Module | None, dtype: torch.dtype
    ) -> None:
        super().__init__(task.objective, place)
        if any(isinstance(optimizer, Muon) for optimizer in task.optimizers):
            raise ParallelError(
                "Muon works on whole matrices, and with `parallel: fsdp` a process has a part of "
                "each; set `optimizer: adamw`, or `parallel: ddp`"
            )
        names = {id(weight): name for name, weight in task.model.named_parameters()}
        self._model = _shard(task.model, place, dtype)
        if averaged is not None:
            _shard(averaged, place, dtype)
        parts = dict(task.model.named_parameters())
        for optimizer in task.optimizers:
            for group in optimizer.param_groups:
                group["params"] = [parts[names[id(weight)]] for weight in group["params"]]

    def part(self, is_last: bool) -> AbstractContextManager[None]:
        self._model.set_requires_gradient_sync(is_last)
        return nullcontext()

    def norm(self) -> Tensor:
        norm = super().norm()
        return norm.full_tensor() if isinstance(norm, DTensor) else norm

    def weights(self, module: nn.Module) -> dict[str, Tensor]:
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        found: dict[str, Any] = get_model_state_dict(module, options=options)
        return found


def _shard(module: nn.Module, place: Place, dtype: torch.dtype) -> FSDPModule:
    """Blocks first, each of which is gathered by itself, then what is left, in float32.

    The norms of blocks are among what is left.
    """
    policy = MixedPrecisionPolicy(dtype, torch.float32, cast_forward_inputs=False)
    for block in blocks_of(module):
        with_matrices = [part for part in block.children() if _has_matrix(part)]
        fully_shard(with_matrices, mesh=place.mesh, mp_policy=policy)
    root: FSDPModule = fully_shard(module, mesh=place.mesh)
    for part in module.modules():
        if isinstance(part, FSDPModule):  # by default gradients are averaged
            part.set_gradient_divide_factor(1.0)
            part.set_force_sum_reduction_for_comms(True)
    return root


def _has_matrix(module: nn.Module) -> bool:
    return any(weight.ndim > 1 for weight in module.parameters())
