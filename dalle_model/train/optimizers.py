"""Optimisers of the models, and their state as named tensors for checkpoints."""

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from dalle_model.train.muon import Muon


def muon_and_adamw(
    model: nn.Module,
    name: Literal["adamw", "muon"],
    learning_rate: float,
    matrix_rate: float,
    betas: tuple[float, float],
    weight_decay: float,
    dtype: torch.dtype,
) -> list[Optimizer]:
    """AdamW for everything, or Muon for the matrices in `blocks` and AdamW for the rest.

    Gains and biases do not decay. Each group keeps its full learning rate as `peak`. `dtype` is
    that of Muon's products.

    Source: `muon`: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/.
    """
    named = list(model.named_parameters())
    block_matrices = [w for n, w in named if "blocks" in n.split(".") and w.ndim == 2]
    by_muon = {id(w) for w in block_matrices} if name == "muon" else set()
    others = [w for _, w in named if id(w) not in by_muon]
    groups = [
        {"params": [w for w in others if w.ndim >= 2], "weight_decay": weight_decay},
        {"params": [w for w in others if w.ndim < 2], "weight_decay": 0.0},
    ]
    optimizers: list[Optimizer] = [AdamW(groups, lr=learning_rate, betas=betas, fused=True)]
    if by_muon:
        optimizers.append(Muon(block_matrices, matrix_rate, weight_decay, dtype))
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
