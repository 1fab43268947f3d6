"""Optimisers of the models, and their state as named tensors for checkpoints."""

import math
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
)
from torch.optim import AdamW, Optimizer

from dalle_model.train.adam import PaperAdamW
from dalle_model.train.muon import Muon


class Adam(NamedTuple):
    """How AdamW runs.

    Args:
        learning_rate: the full one.
        betas: of the two moments.
        second_moment_max: where the second one is cut off.
        moment_bits: of both moments of the matrices in blocks; those of all else have 32.
    """

    learning_rate: float
    betas: tuple[float, float]
    second_moment_max: float = math.inf
    moment_bits: Literal[16, 32] = 32

    def optimizer(self, groups: list[dict[str, Any]]) -> Optimizer:
        """AdamW of torch, or the paper's where torch's cannot be so."""
        if self.moment_bits == 32 and self.second_moment_max == math.inf:
            return AdamW(groups, self.learning_rate, self.betas, fused=True)
        return PaperAdamW(
            groups, self.learning_rate, self.betas, second_moment_max=self.second_moment_max
        )


def muon_and_adamw(
    model: nn.Module,
    name: Literal["adamw", "muon"],
    adam: Adam,
    matrix_rate: float,
    weight_decay: float,
    dtype: torch.dtype,
) -> list[Optimizer]:
    """AdamW for everything, or Muon for the matrices in `blocks` and AdamW for the rest.

    Gains and biases do not decay. Each group keeps its full learning rate as `peak`. `dtype` is
    that of Muon's products.

    Source: `muon`: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/.
    """
    named = list(model.named_parameters())
    in_blocks = [w for n, w in named if "blocks" in n.split(".") and w.ndim == 2]
    block_ids = {id(w) for w in in_blocks}
    others = [w for _, w in named if id(w) not in block_ids]
    groups: list[dict[str, Any]] = [
        {"params": [w for w in others if w.ndim >= 2], "weight_decay": weight_decay},
        {"params": [w for w in others if w.ndim < 2], "weight_decay": 0.0},
    ]
    optimizers: list[Optimizer] = []
    if name == "muon" and in_blocks:
        optimizers = [Muon(in_blocks, matrix_rate, weight_decay, dtype)]
    else:
        is_small = {"has_small_moments": adam.moment_bits == 16}
        groups.append({"params": in_blocks, "weight_decay": weight_decay, **is_small})
    optimizers.insert(0, adam.optimizer([group for group in groups if group["params"]]))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers


def set_learning_rate(optimizers: Iterable[Optimizer], share: float) -> None:
    """Set the learning rate of every group to a share of its peak."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * share


def named_state(model: nn.Module, optimizers: Iterable[Optimizer]) -> dict[str, Tensor]:
    """State of the optimisers by the full names of parameters, `state.head.weight.exp_avg`.

    The tensors are the optimisers' own, so that to read into them is to restore the state. Names
    are the same under DDP, FSDP and torch.compile. What is no state, such as rates, comes from the
    settings.
    """
    optimizers = list(optimizers)
    fresh = [optimizer for optimizer in optimizers if not optimizer.state]
    options = StateDictOptions(flatten_optimizer_state_dict=True)
    state: dict[str, Any] = get_optimizer_state_dict(model, optimizers, options=options)
    for optimizer in fresh:  # torch makes its state by a step at rate 0, and counts it
        for tensors in optimizer.state.values():
            for tensor in tensors.values():
                tensor.zero_()
    return {name: value for name, value in state.items() if name.startswith("state.")}
