"""What a training takes of its devices: memory by kind, bytes between them, seconds.

Counted, not measured; all of it without torch. What a model takes is a `Load`, of which everything
else follows.
"""

from dataclasses import dataclass, fields, replace
from typing import Literal

from dalle_model.train.devices import Device

Sharding = Literal["alone", "ddp", "fsdp"]
SHARDINGS: tuple[Sharding, ...] = ("alone", "ddp", "fsdp")
FULL, HALF = 4, 2  # bytes of a float32, and of a 16-bit number in products and on the wire
# Of a device's memory, what its driver, libraries and fragments leave. Chosen.
USABLE = 0.92
RANKS = {1920: 512, 2688: 640, 3968: 896}  # by width. Source: Ramesh et al. 2021, table 1
_RANK_STEP, _RANK_SHARE = 128, 0.24  # chosen: give these three, by whole multiples of 128


@dataclass(frozen=True)
class Load:
    """What one training works on.

    Args:
        model: in words.
        parameters: all that are trained.
        matrices: of them, those in the matrices of all layers.
        layers: that are computed, and gathered, one after the other.
        width: channels of a layer.
        tokens: of a row.
        flops: of a row, forward and backward.
        attention_flops: of them, those of attention.
        kept_bytes: of a row, until its backward pass.
        recomputed_bytes: the same where each layer is computed again.
        moment_bytes: that the optimizers keep.
        is_averaged: whether it keeps an average of the weights.
        steps: optimizer steps.
        batch_size: rows of a step.
        accumulation: parts in which a device takes its rows.
        most_rows: that the choice of rows leaves of any number; None for all.
    """

    model: str
    parameters: int
    matrices: int
    layers: int
    width: int
    tokens: int
    flops: int
    attention_flops: int
    kept_bytes: int
    recomputed_bytes: int
    moment_bytes: int
    is_averaged: bool
    steps: int
    batch_size: int
    accumulation: int = 1
    most_rows: int | None = None

    @property
    def rows(self) -> int:
        """Of all steps."""
        return self.steps * self.batch_size


@dataclass(frozen=True)
class Cluster:
    """Devices of one kind.

    Args:
        device: each of them.
        devices: in all.
        per_machine: of a machine.
    """

    device: Device
    devices: int
    per_machine: int

    @property
    def machines(self) -> int:
        """That hold them."""
        return -(-self.devices // self.per_machine)

    @property
    def link_bytes(self) -> float:
        """A second that a device sends where all are at it: of the slowest link among them."""
        return self.device.link_bytes if self.machines == 1 else self.device.network_bytes


@dataclass(frozen=True)
class Memory:
    """Bytes of one device, by kind.

    Args:
        weights: in float32.
        copies: of matrices in 16 bits, and of layers that are gathered for their turn.
        gradients: in float32.
        moments: of the optimizers.
        average: of the weights, in float32.
        activations: of the rows that it has at a time.
    """

    weights: float
    copies: float
    gradients: float
    moments: float
    average: float
    activations: float

    @property
    def total(self) -> float:
        """Of all kinds."""
        return float(sum(getattr(self, kind.name) for kind in fields(self)))


def rows_at_once(load: Load, devices: int) -> int:
    """Rows that a device has at a time."""
    return -(-load.batch_size // (devices * load.accumulation))


def memory(load: Load, cluster: Cluster, sharding: Sharding, *, recomputes: bool) -> Memory:
    """What a device holds in the backward pass, where it holds most.

    Args:
        load: of the training.
        cluster: on which it is done.
        sharding: `alone` is one of the devices with the whole batch; with `ddp` each has a part of
            the batch and all weights; with `fsdp` a part of both.
        recomputes: whether layers are computed again in the backward pass.
    """
    parts = cluster.devices if sharding == "fsdp" else 1
    rows = rows_at_once(load, 1 if sharding == "alone" else cluster.devices)
    layer, outer = load.matrices / load.layers, load.parameters - load.matrices
    copies, gradients = float(HALF * load.matrices), float(FULL * load.parameters)
    if sharding == "fsdp":  # a layer and the next one, and what is outside layers all the time
        copies = HALF * 2 * layer + FULL * outer
        if load.accumulation == 1:  # else they are whole until the last part of the rows
            gradients = gradients / parts + FULL * max(layer, outer)
    return Memory(
        weights=FULL * load.parameters / parts,
        copies=copies,
        gradients=gradients,
        moments=load.moment_bytes / parts,
        average=FULL * load.parameters / parts if load.is_averaged else 0,
        activations=rows * (load.recomputed_bytes if recomputes else load.kept_bytes),
    )


def sent_bytes(load: Load, devices: int, sharding: Sharding) -> float:
    """What a device sends in a step, by rings.

    Gradients are reduced in float32. Parted weights are gathered for the forward pass and again for
    the backward pass, in each of the parts that a batch is taken in, those of layers in 16 bits.

    Source: Patarasuk and Yuan 2009, of an all-reduce 2 (n - 1) / n of the bytes; half of that for
    either half of it.
    """
    share = (devices - 1) / devices
    if sharding == "alone":
        return 0.0
    if sharding == "ddp":
        return 2 * share * FULL * load.parameters
    gathered = HALF * load.matrices + FULL * (load.parameters - load.matrices)
    return share * (2 * load.accumulation * gathered + FULL * load.parameters)


def rank_for(width: int) -> int:
    """The rank of PowerSGD for matrices of a width: the paper's, or one in that proportion."""
    near = _RANK_STEP * round(_RANK_SHARE * width / _RANK_STEP)
    return RANKS.get(width, max(_RANK_STEP, near))


def step_seconds(load: Load, cluster: Cluster, mfu: float) -> float:
    """Of a step, where the links keep up.

    Source: Chowdhery et al. 2022, appendix B: MFU counts the operations of the model alone, so that
    layers that are computed again count once.
    """
    return load.flops * load.batch_size / (cluster.devices * cluster.device.peak_flops * mfu)


def link_seconds(load: Load, cluster: Cluster, sharding: Sharding) -> float:
    """Of a step, what the links need, most of which the computation hides where it takes longer."""
    return sent_bytes(load, cluster.devices, sharding) / cluster.link_bytes


@dataclass(frozen=True)
class Fit:
    """The plainest way in which a training fits into its devices.

    Args:
        sharding: of weights, gradients and moments.
        recomputes: whether layers are computed again.
        accumulation: parts in which a device takes its rows, at least.
    """

    sharding: Sharding
    recomputes: bool
    accumulation: int


def fit(load: Load, cluster: Cluster) -> Fit | None:
    """The first of all ways, the least work first, that fits; None where one row does not."""
    shardings: tuple[Sharding, ...] = ("alone",) if cluster.devices == 1 else ("ddp", "fsdp")
    for sharding in shardings:
        for recomputes in (False, True):
            parts = parts_that_fit(load, cluster, sharding, recomputes=recomputes)
            if parts is not None:
                return Fit(sharding, recomputes, parts)
    return None


def parts_that_fit(
    load: Load, cluster: Cluster, sharding: Sharding, *, recomputes: bool
) -> int | None:
    """The fewest parts of its rows, at least those of the settings, of which a device holds one."""
    limit = USABLE * cluster.device.ram_bytes
    rows = -(-load.batch_size // (1 if sharding == "alone" else cluster.devices))
    for parts in range(load.accumulation, max(rows, load.accumulation) + 1):
        parted = replace(load, accumulation=parts)
        if memory(parted, cluster, sharding, recomputes=recomputes).total <= limit:
            return parts
    return None
