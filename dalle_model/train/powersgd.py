"""Gradients of replicas added up as products of two thin matrices: PowerSGD as DALL-E has it.

Each replica adds its gradient to an error buffer E. The sum of all E is sent as P Q', where P is an
orthonormal basis of E times a random matrix, and Q is E' P. What a replica's share of the product
leaves over stays in its buffer for the next step. The random matrix is drawn once and never
updated, unlike that of Vogels et al. 2019, where the last Q takes its place.

The order of work is that of the paper's appendix E.2, whose steps are numbered in comments. Steps
that concern shards within a machine, and the scales of blocks, are not of this module.

Source: Ramesh et al. 2021, section 2.5 and appendix E.2; Vogels et al. 2019,
https://arxiv.org/abs/1905.13727.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn

from dalle_model.errors import UsageError
from dalle_model.train.compression import pays

# Shape letters: M rows and N columns of a gradient, laid so that M <= N; R rank.

EPS = 1e-6  # Source: Ramesh et al. 2021, appendix E.2


class CompressionError(UsageError):
    """Gradients cannot be compressed so: why, and which setting to change."""


class Format(Protocol):
    """Numbers of few bits: what they are rounded to and how they are held."""

    @property
    def largest(self) -> float:
        """The largest finite number."""

    def encode(self, x: Tensor) -> Tensor:
        """Round float32 to the format and give its bits; what is too large becomes infinite."""

    def decode(self, code: Tensor) -> Tensor:
        """The float32 numbers of such bits."""


class _Float32:
    """No rounding."""

    largest = torch.finfo(torch.float32).max

    def encode(self, x: Tensor) -> Tensor:
        return x

    def decode(self, code: Tensor) -> Tensor:
        return code


FLOAT32 = _Float32()


class PowerSgd:
    """The sum of the gradients of all replicas, of which the matrices of the blocks are compressed.

    Takes the place of DDP's reduction: backward is run on the model itself, and then `reduce`. The
    sum, and what it leaves over, are the same whatever the number of replicas, to rounding.

    Args:
        model: the same on all replicas.
        rank: of the products; at most the smaller edge of a matrix. A matrix whose factors would
            be no smaller than itself is sent whole.
        seed: of the fixed random matrices; the same on all replicas.
        numbers: the format of P, Q and the error buffers. P and Q are rounded to it before and
            after they are added up, and sent as float32; the buffers are held in it.

    Raises:
        CompressionError: at this rank, no matrix would be sent in fewer bytes.

    Attributes:
        bytes_sent: handed to all-reduces since the start.
    """

    def __init__(
        self, model: nn.Module, rank: int, seed: int = 0, numbers: Format = FLOAT32
    ) -> None:
        named = dict(model.named_parameters())
        compressed = [name for name, w in named.items() if _is_compressed(name, w, rank)]
        if not compressed:
            raise CompressionError(
                f"rank {rank} compresses no gradient: this model has no matrix in its blocks whose "
                "factors would be smaller than itself; lower the rank of `powersgd`"
            )
        noise = torch.Generator().manual_seed(seed)
        matrices = [LowRank(name, named[name], rank, noise, numbers) for name in compressed]
        self._blocks = [list(block) for _, block in groupby(matrices, lambda m: m.block)]
        self._rest = [w for name, w in named.items() if name not in set(compressed)]
        self._replicas = dist.get_world_size() if dist.is_initialized() else 1
        self.bytes_sent = 0

    @property
    def matrices(self) -> list["LowRank"]:
        """What is compressed, in the order of the model."""
        return [matrix for block in self._blocks for matrix in block]

    @torch.no_grad()
    def reduce(self) -> Tensor:
        """Replace each gradient by the sum over the replicas, compressed or whole.

        Returns:
            Norm of all gradients together, a float32 scalar; infinite on all replicas where a
            number is not finite on one: then the update is to be skipped.
        """
        failures = [matrix.take() for matrix in self.matrices]  # (1), (2)
        rest = [_gradient(w).float() for w in self._rest]
        whole = self._start([*rest, torch.stack(failures).any().float()])  # (8), (10)
        parts = [self._start([m.project() for m in block]) for block in self._blocks]  # (3), (4)
        fits = [  # (5), (6), (7)
            self._start([m.fit(p_MR) for m, p_MR in zip(block, part.wait(), strict=True)])
            for block, part in zip(self._blocks, parts, strict=True)
        ]
        squares = [  # (9), (11), (12)
            m.settle(q_NR, self._replicas)
            for block, fit in zip(self._blocks, fits, strict=True)
            for m, q_NR in zip(block, fit.wait(), strict=True)
        ]
        *sums, failed = whole.wait()
        for weight, total in zip(self._rest, sums, strict=True):  # (13)
            _gradient(weight).copy_(total)
        norm = torch.stack([*squares, *(total.square().sum() for total in sums)]).sum().sqrt()
        return torch.where((failed > 0) | ~norm.isfinite(), torch.inf, norm)

    def state_dict(self) -> dict[str, Tensor]:
        """Sum of the error buffers of all replicas by the parameters' names; all must call this.

        The sum is all that matters for what is sent next.
        """
        total = _Sum([matrix.error for matrix in self.matrices]).wait()
        return {m.name: m.laid_back(e_MN) for m, e_MN in zip(self.matrices, total, strict=True)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Give each replica its share, whatever their number was before."""
        for matrix in self.matrices:
            matrix.error = matrix.laid(state[matrix.name]) / self._replicas

    def _start(self, tensors: list[Tensor]) -> "_Sum":
        started = _Sum(tensors)
        self.bytes_sent += started.num_bytes
        return started


class LowRank:
    """The gradient of one matrix: what is left over of it, and its factors.

    Args:
        name: of the parameter.
        weight: the parameter.
        rank: R.
        noise: from which the fixed random matrix is drawn.
        numbers: the format of P, Q and the error buffer.

    Attributes:
        block: number of the block it is in, by which sums are grouped.
    """

    def __init__(
        self, name: str, weight: Tensor, rank: int, noise: torch.Generator, numbers: Format
    ) -> None:
        self.name, self.block = name, name.partition("blocks.")[2].partition(".")[0]
        self._weight, self._numbers = weight, numbers
        zeros_MN = torch.zeros_like(self.laid(weight), dtype=torch.float32)
        self._error = numbers.encode(zeros_MN)
        rows, columns = zeros_MN.shape
        self._random_NR = torch.randn(columns, rank, generator=noise).to(weight.device)
        self._basis_MR = zeros_MN.new_zeros(rows, rank)  # set by `fit`

    @property
    def error(self) -> Tensor:
        """The error buffer, `(M, N)`."""
        return self._numbers.decode(self._error)

    @error.setter
    def error(self, error_MN: Tensor) -> None:
        self._error.copy_(self._numbers.encode(error_MN))

    def take(self) -> Tensor:
        """Add the gradient to the error buffer if it is finite; returns whether it is not."""
        gradient_MN = self.laid(_gradient(self._weight)).float()
        is_finite = gradient_MN.isfinite().all()
        self.error = self.error + torch.where(is_finite, gradient_MN, 0)
        return ~is_finite

    def project(self) -> Tensor:
        """This replica's part of P, `(M, R)`."""
        return self._rounded(self.error @ self._random_NR)

    def fit(self, sum_MR: Tensor) -> Tensor:
        """This replica's part of Q, `(N, R)`, from the sum of all parts of P."""
        self._basis_MR = self._rounded(orthonormal(self._clamped(sum_MR)))
        return self._rounded(self.error.T @ self._basis_MR)

    def settle(self, sum_NR: Tensor, replicas: int) -> Tensor:
        """Set the gradient to P Q', and keep in the error buffer what is left over.

        Where P or Q is not finite the buffer stays as it is, unless it is not finite itself: then
        it is emptied.

        Returns:
            Square of the gradient's norm, which is that of Q, since P is orthonormal.
        """
        q_NR, error_MN = self._clamped(sum_NR), self.error
        sent_MN = self._basis_MR @ q_NR.T
        is_whole = self._basis_MR.isfinite().all() & q_NR.isfinite().all()
        unsent_MN = torch.where(error_MN.isfinite().all(), error_MN, 0)
        self.error = torch.where(is_whole, error_MN - sent_MN / replicas, unsent_MN)
        _gradient(self._weight).copy_(self.laid_back(sent_MN))
        return torch.where(is_whole, q_NR.square().sum(), torch.inf)

    def laid(self, matrix: Tensor) -> Tensor:
        """A matrix of the parameter's shape so that it is not taller than wide.

        The basis has as many rows as the smaller edge, and so it is cheap to make orthonormal.
        """
        return matrix.T if self._weight.shape[0] > self._weight.shape[1] else matrix

    def laid_back(self, matrix_MN: Tensor) -> Tensor:
        """The inverse of `laid`."""
        return matrix_MN.T if self._weight.shape[0] > self._weight.shape[1] else matrix_MN

    def _rounded(self, x: Tensor) -> Tensor:
        return self._numbers.decode(self._numbers.encode(x))

    def _clamped(self, total: Tensor) -> Tensor:
        largest = self._numbers.largest
        return self._rounded(total).nan_to_num(torch.nan, largest, -largest)


def orthonormal(p_MR: Tensor) -> Tensor:
    """An orthonormal basis of the columns of a matrix, by Householder's reflections.

    A small multiple of the identity is added first, so that the columns are independent. Gram and
    Schmidt's way is less stable.

    Source: Ramesh et al. 2021, appendix E.2, step 5.
    """
    rows, rank = p_MR.shape
    shifted_MR = p_MR + EPS * torch.eye(rows, rank, dtype=p_MR.dtype, device=p_MR.device)
    q_MR, _ = torch.linalg.qr(shifted_MR)  # LAPACK's and cuSOLVER's geqrf: Householder
    basis_MR: Tensor = q_MR
    return basis_MR


class _Sum:
    """The sum of tensors over all replicas, in one all-reduce, while other work goes on.

    Of one replica, it is what that one has.
    """

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        tensors = list(tensors)
        self._shapes = [tensor.shape for tensor in tensors]
        self._flat = torch.cat([tensor.flatten() for tensor in tensors])
        self.num_bytes = self._flat.nbytes
        is_alone = not dist.is_initialized()
        self._work = None if is_alone else dist.all_reduce(self._flat, async_op=True)

    def wait(self) -> list[Tensor]:
        """The sums, in the shapes of the tensors."""
        if self._work is not None:
            self._work.wait()
        parts = torch.split(self._flat, [shape.numel() for shape in self._shapes])
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]


def _is_compressed(name: str, weight: Tensor, rank: int) -> bool:
    """Embeddings, heads, gains and biases are not. Source: Ramesh et al. 2021, section 2.5."""
    return "blocks." in name and weight.ndim == 2 and pays((*weight.shape,), rank)


def _gradient(weight: Tensor) -> Tensor:
    if weight.grad is None:
        weight.grad = torch.zeros_like(weight)  # of a replica that had no row of the batch
    return weight.grad
