"""Optimisers of the models, and their state as named tensors for checkpoints."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
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


def state_tensors(optimizers: Iterable[Optimizer]) -> dict[str, Tensor]:
    """State of the optimisers, keyed `optimizer.parameter.name` with numbers for the first two."""
    return {
        f"{number}.{parameter}.{name}": value
        for number, optimizer in enumerate(optimizers)
        for parameter, entries in optimizer.state_dict()["state"].items()
        for name, value in entries.items()
    }


def load_state_tensors(optimizers: Iterable[Optimizer], tensors: Mapping[str, Tensor]) -> None:
    """Restore what `state_tensors` returned into optimisers of the same parameters."""
    states: dict[int, dict[int, dict[str, Tensor]]] = {}
    for key, value in tensors.items():
        index, parameter, name = key.split(".")
        states.setdefault(int(index), {}).setdefault(int(parameter), {})[name] = value
    for number, optimizer in enumerate(optimizers):
        document = optimizer.state_dict()
        optimizer.load_state_dict({**document, "state": states.get(number, {})})
        for weight, entries in optimizer.state.items():
            entries |= {name: _laid_out_as(weight, value) for name, value in entries.items()}


def _laid_out_as(weight: Tensor, value: Tensor) -> Tensor:
    """Moments in the order in memory that their weight has: a fused AdamW takes them by place."""
    if value.shape != weight.shape or value.stride() == weight.stride():
        return value
    return torch.empty_like(weight, dtype=value.dtype).copy_(value)
