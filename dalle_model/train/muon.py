"""Muon in a precision of one's choice: torch's own computes in bfloat16, whatever the processor.

Where bfloat16 is emulated, a step of the demo's prior takes 20 times as long as in float32.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn, optim

# Shape letters: R rows, C columns of a matrix, R at most C.


class Muon(optim.Muon):
    """torch's Muon with the product of matrices in `dtype`; in bfloat16 the same bit for bit.

    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float,
        weight_decay: float,
        dtype: torch.dtype,
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay)
        self.dtype = dtype

    @torch.no_grad()
    def step(  # type: ignore[override]
        self, closure: Callable[[], float] | None = None
    ) -> float | None:
        """Take one step; every parameter is a matrix."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._update(matrix, matrix.grad, group)
        return loss

    def _update(self, matrix: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, rate, momentum = self.state[matrix], group["lr"], group["momentum"]
        buffer = state.setdefault("momentum_buffer", torch.zeros_like(gradient))
        buffer.lerp_(gradient, 1 - momentum)
        direction = orthogonalised(
            gradient.lerp(buffer, momentum),
            self.dtype,
            group["ns_coefficients"],
            group["ns_steps"],
            group["eps"],
        )
        rows, columns = matrix.shape
        matrix.mul_(1 - rate * group["weight_decay"])
        matrix.add_(direction, alpha=-rate * max(1, rows / columns) ** 0.5)


def orthogonalised(
    matrix: Tensor,
    dtype: torch.dtype,
    coefficients: tuple[float, float, float],
    num_iterations: int,
    eps: float,
) -> Tensor:
    """Move all singular values of a matrix close to 1, by Newton and Schulz's iteration.

    Args:
        matrix: of any shape `(rows, columns)`.
        dtype: of the products.
        coefficients: of the matrix, of its third power and of its fifth.
        num_iterations: of the polynomial.
        eps: the smallest norm that is divided by.

    Returns:
        `(rows, columns)` in `dtype`, with singular values of some 0.7 to 1.2.
    """
    is_tall = matrix.shape[0] > matrix.shape[1]
    x_RC = matrix.to(dtype, copy=True)
    if is_tall:
        x_RC = x_RC.T
    x_RC.div_(x_RC.norm().clamp(min=eps))
    first, third, fifth = coefficients
    for _ in range(num_iterations):
        gram_RR = x_RC @ x_RC.T
        powers_RR = torch.addmm(gram_RR, gram_RR, gram_RR, beta=third, alpha=fifth)
        x_RC = torch.addmm(x_RC, powers_RR, x_RC, beta=first)
    return x_RC.T if is_tall else x_RC
