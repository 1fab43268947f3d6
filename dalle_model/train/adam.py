"""AdamW as the paper runs it: with a bounded second moment, and moments of 16 bits.

Without both, torch's own does the same and is faster.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from dalle_model.train.formats import MEAN_FORMAT, VARIANCE_FORMAT

_FORMATS = {"exp_avg": MEAN_FORMAT, "exp_avg_sq": VARIANCE_FORMAT}  # by torch's names of both


class PaperAdamW(Optimizer):
    """AdamW whose running variance is cut off above, and whose moments may have 16 bits each.

    A step computes in float32. The moments that it has reached are what it moves the weights by,
    and are then rounded to be kept; those of 16 bits stop at the largest number of their format.
    A group of parameters may have other values than these.

    Args:
        params: float32 parameters, or groups of them.
        lr: learning rate.
        betas: of the running mean and of the running variance.
        eps: is added to the root of the variance. Source: Ramesh et al. 2021, appendix B.2.
        weight_decay: decoupled.
        second_moment_max: the running variance is cut off here before it moves the weights, and is
            kept so; infinite for AdamW's own. Source: as `eps`; 5 in the paper.
        has_small_moments: whether the mean is kept as 1-6-9 and the variance as 0-6-10, in half
            the memory. The paper leaves those of embeddings, output layers, gains and biases in 32
            bits. Source: as `eps`, and appendix D.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float,
        betas: tuple[float, float],
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        second_moment_max: float = math.inf,
        has_small_moments: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "second_moment_max": second_moment_max,
            "has_small_moments": has_small_moments,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(  # type: ignore[override]
        self, closure: Callable[[], float] | None = None
    ) -> float | None:
        """Take one step with every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    state = self.state[weight] or self._start(weight, group)
                    state["step"] += 1
                    _update(_local(weight), _local(weight.grad), state, group)
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned.

        torch gives whatever it loads the type of the parameter, which float32 holds exactly.
        """
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            for state in (self.state[w] for w in group["params"] if group["has_small_moments"]):
                state.update(
                    {name: state[name].to(torch.int16) for name in _FORMATS.keys() & state}
                )

    def _start(self, weight: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[weight]
        dtype = torch.int16 if group["has_small_moments"] else weight.dtype
        state["step"] = torch.tensor(0.0)
        state |= {name: torch.zeros_like(weight, dtype=dtype) for name in _FORMATS}
        return state


def _update(
    weight: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]
) -> None:
    """One step of one parameter, in torch's order of operations."""
    (mean_decay, variance_decay), step = group["betas"], state["step"].item()
    mean, variance = (_moment(state, name) for name in _FORMATS)
    mean.lerp_(gradient, 1 - mean_decay)
    variance.mul_(variance_decay).addcmul_(gradient, gradient, value=1 - variance_decay)
    variance.clamp_(max=group["second_moment_max"])
    weight.mul_(1 - group["lr"] * group["weight_decay"])
    root = variance.sqrt().div_((1 - variance_decay**step) ** 0.5).add_(group["eps"])
    weight.addcdiv_(mean, root, value=-group["lr"] / (1 - mean_decay**step))
    if group["has_small_moments"]:
        for (name, small), moment in zip(_FORMATS.items(), (mean, variance), strict=True):
            bounded = moment.clamp_(-small.largest, small.largest)
            _local(state[name]).copy_(small.encode(bounded))


def _moment(state: dict[str, Tensor], name: str) -> Tensor:
    """What is kept, where it is float32, and else a copy of it."""
    kept = _local(state[name])
    return _FORMATS[name].decode(kept) if kept.dtype == torch.int16 else kept


def _local(tensor: Tensor) -> Tensor:
    """This process's share of a tensor that several hold: all of this is element by element."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
