"""One step's work shared by processes.

Every process has its own rows of the batch, and its loss is the sum over them divided by counts of
all rows. So gradients are added up, and not averaged, whatever each has.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import get_total_norm

from dalle_model.train.formats import MEAN_FORMAT
from dalle_model.train.place import ParallelError, Place
from dalle_model.train.powersgd import FLOAT32, PowerSgd
from dalle_model.train.precision import uses_bfloat16
from dalle_model.train.recomputing import recompute_blocks
from dalle_model.train.task import Task
from dalle_model.training_settings import Training

Count = TypeVar("Count", int, float)


class Alone:
    """One process, which has all rows and all weights; the others are this with changes.

    Args:
        objective: that is trained.
        place: of this process.
    """

    def __init__(self, objective: nn.Module, place: Place) -> None:
        self.objective, self.place = objective, place

    def __call__(self, *inputs: Any) -> Mapping[str, Tensor]:
        """The objective of inputs, which are taken to the device."""
        moved = [x.to(self.place.device) if isinstance(x, Tensor) else x for x in inputs]
        sums: Mapping[str, Tensor] = self._forward(*moved)
        return sums

    def num_parts(self, settings: Training) -> int:
        """In how many parts a process takes its rows of a step; the same in all."""
        return min(settings.accumulation, settings.batch_size // self.place.ranks)

    def part(self, is_last: bool) -> AbstractContextManager[None]:
        """A block with the forward and backward pass of one part of this process's rows."""
        del is_last
        return nullcontext()

    def norm(self) -> Tensor:
        """Of the gradients of all processes together, which are whole from then on."""
        return get_total_norm([w.grad for w in self.objective.parameters() if w.grad is not None])

    def weights(self, module: nn.Module) -> dict[str, Tensor]:
        """All tensors of the model or of its average, whole and on the CPU.

        All processes must call this; those with parts of the weights get none, but for rank 0.
        """
        return {name: tensor.cpu() for name, tensor in module.state_dict().items()}

    def state_dict(self) -> dict[str, Tensor]:
        """What of the next steps depends on how they are shared; all processes must call this."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_dict` returned, of any number of processes."""

    def _forward(self, *inputs: Any) -> Mapping[str, Tensor]:
        sums: Mapping[str, Tensor] = self.objective(*inputs)
        return sums


class Ddp(Alone):
    """Each process has all weights; gradients are added up while the backward pass goes on.

    The objective itself stays as it is, and the names of its weights with it.
    """

    def __init__(self, objective: nn.Module, place: Place) -> None:
        super().__init__(objective, place)
        cards = None if place.device.type == "cpu" else [place.device]
        self._wrapped = DistributedDataParallel(objective, cards, gradient_as_bucket_view=True)
        self._wrapped.register_comm_hook(None, _sum_of_bucket)

    def part(self, is_last: bool) -> AbstractContextManager[None]:
        if is_last:
            return nullcontext()
        return self._wrapped.no_sync()

    def _forward(self, *inputs: Any) -> Mapping[str, Tensor]:
        sums: Mapping[str, Tensor] = self._wrapped(*inputs)
        return sums


class Compressed(Alone):
    """Each process has all weights; gradients are added up by PowerSGD after the backward pass.

    Args:
        objective: that is trained.
        place: of this process.
        rank: of the products that gradients are sent as.
        seed: of the random matrices.
        bits: of the numbers in these products.

    Raises:
        CompressionError: at this rank, no matrix would be sent in fewer bytes.
    """

    def __init__(
        self, objective: nn.Module, place: Place, rank: int, seed: int, bits: Literal[16, 32]
    ) -> None:
        super().__init__(objective, place)
        numbers = MEAN_FORMAT if bits == 16 else FLOAT32
        self._gradients = PowerSgd(objective, rank, seed, numbers)
        take_from_first(objective, place)

    def norm(self) -> Tensor:
        return self._gradients.reduce()

    def state_dict(self) -> dict[str, Tensor]:
        return self._gradients.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self._gradients.load_state_dict(state)


def shared(task: Task, averaged: nn.Module | None, settings: Training, place: Place) -> Alone:
    """Bring a training to its device, and share it as the settings say.

    Args:
        task: that is trained, whose optimizers have no state yet; changed in place.
        averaged: moving average of weights, or None; changed in place.
        settings: of the training.
        place: of this process.

    Raises:
        ParallelError: it cannot be shared so.
        CompressionError: likewise.
        RecomputeError: the model has no blocks that could be computed again.
    """
    if settings.recompute:
        recompute_blocks(task.model)
    objective = task.objective
    for module in (objective, averaged):
        if module is not None:
            module.to(place.device)
    if settings.batch_size < place.ranks:
        raise ParallelError(
            f"a step has {settings.batch_size} rows, and there are {place.ranks} processes; raise "
            "`batch_size`, or start fewer"
        )
    if settings.powersgd_rank is not None:
        compression = (settings.powersgd_rank, settings.seed, settings.powersgd_bits)
        return Compressed(objective, place, *compression)
    if place.mesh is None:
        return Alone(objective, place)
    if settings.parallel == "fsdp":
        from dalle_model.train.fsdp import Fsdp  # 1 s of CPU time, which others do not need

        dtype = torch.bfloat16 if uses_bfloat16(settings.precision) else torch.float32
        return Fsdp(task, place, averaged, dtype)
    return Ddp(objective, place)


def sums(values: Mapping[str, Count], place: Place) -> dict[str, Count]:
    """Sums over all processes of numbers that each has by the same names."""
    if place.mesh is None:
        return dict(values)
    kind = torch.int64 if all(isinstance(v, int) for v in values.values()) else torch.float64
    total = torch.tensor(list(values.values()), dtype=kind, device=place.device)
    dist.all_reduce(total)
    return dict(zip(values, total.tolist(), strict=True))


def add_up(tensor: Tensor, place: Place) -> Tensor:
    """The sum over all processes of a tensor that each has, in its place."""
    if place.mesh is not None:
        dist.all_reduce(tensor)
    return tensor


def joined_rows(tensor: Tensor, place: Place) -> Tensor:
    """The rows of all processes, by rank; each may have another number of them."""
    if place.mesh is None:
        return tensor
    numbers = torch.zeros(place.ranks, dtype=torch.int64, device=tensor.device)
    numbers[place.rank] = len(tensor)
    most = int(add_up(numbers, place).max())
    filled = tensor.new_zeros((most, *tensor.shape[1:]))
    filled[: len(tensor)] = tensor
    of_all = [torch.empty_like(filled) for _ in range(place.ranks)]
    dist.all_gather(of_all, filled)
    return torch.cat([rows[:n] for rows, n in zip(of_all, numbers.tolist(), strict=True)])


def take_from_first(module: nn.Module, place: Place) -> None:
    """Give a module the weights and buffers that it has on rank 0."""
    if place.mesh is not None:
        for tensor in module.state_dict().values():
            dist.broadcast(tensor, 0)


def joined_lists(values: list[str], place: Place) -> list[str]:
    """Those of all processes, by rank; all must call this."""
    if place.mesh is None:
        return values
    of_all: list[list[str]] = [[]] * place.ranks
    dist.all_gather_object(of_all, values)
    return [value for values in of_all for value in values]


def _sum_of_bucket(_: object, bucket: dist.GradBucket) -> Future[Tensor]:  # type: ignore[name-defined]
    reduced = dist.all_reduce(bucket.buffer(), async_op=True).get_future()
    return reduced.then(lambda done: done.value()[0])
