"""What training a model of a config needs on some devices, as a value that prints itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dalle_model.train.compression import block_shards, compression_rate
from dalle_model.train.costs import (
    SHARDINGS,
    USABLE,
    Cluster,
    Fit,
    Load,
    Sharding,
    fit,
    link_seconds,
    memory,
    rank_for,
    rows_at_once,
    sent_bytes,
    step_seconds,
)
from dalle_model.train.devices import DEVICES
from orchestration.engine.answers import check_answered
from orchestration.engine.config import ConfigError, RunConfig
from orchestration.engine.graph import Graph
from orchestration.engine.registry import registry
from orchestration.engine.sizes import size_text
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import read_manifest
from pipelines.io.suggest import did_you_mean
from pipelines.records import TOKENS
from pipelines.stage import Stage

_WIDTH = 15  # of the first column
_KINDS = {
    "weights": "weights",
    "copies": "16-bit copies",
    "gradients": "gradients",
    "moments": "moments",
    "average": "average",
    "activations": "activations",
}
_FITS: Mapping[Sharding, str] = {
    "alone": "in one",
    "ddp": "as ddp: each device has all weights and a part of the rows",
    "fsdp": "as fsdp: each device has a part of the weights and of the rows",
}
_SECONDS = {"days": 86400, "hours": 3600, "minutes": 60}


@dataclass(frozen=True)
class TrainingEstimate:
    """What one training needs; `str()` is what the command prints.

    Args:
        load: of the training.
        cluster: on which it is done.
        mfu: share of the peak of its devices that is reached.
        mfu_source: who says so.
        rows: of the token shards that are trained on; None where that is not known.
        fit: the plainest way in which it fits; None where it does not.
    """

    load: Load
    cluster: Cluster
    mfu: float
    mfu_source: str
    rows: int | None
    fit: Fit | None

    @property
    def epochs(self) -> float | None:
        """How often each row is seen; None where their number is not known."""
        return self.load.rows / self.rows if self.rows else None

    @property
    def compute_s(self) -> float:
        """Seconds of a step, where the links keep up."""
        return step_seconds(self.load, self.cluster, self.mfu)

    @property
    def step_s(self) -> float:
        """Seconds of a step: of the computation, or of the links where these take longer."""
        if self.fit is None:
            return self.compute_s
        fitted = replace(self.load, accumulation=self.fit.accumulation)
        return max(self.compute_s, link_seconds(fitted, self.cluster, self.fit.sharding))

    @property
    def total_s(self) -> float:
        """Seconds of all steps."""
        return self.step_s * self.load.steps

    def __str__(self) -> str:
        parts = (self._work(), self._memory(), self._links(), self._time())
        return "\n\n".join("\n".join(part) for part in parts if part)

    def _work(self) -> list[str]:
        load = self.load
        attention = load.attention_flops / load.flops
        return [
            load.model,
            _line(
                "parameters",
                f"{load.parameters:,}, of which {load.matrices:,} in the matrices of layers",
            ),
            _line(
                "operations",
                f"{load.flops / load.tokens / 1e9:,.3g} GFLOP a token, {attention:.1%} of them "
                "attention, as its masks leave it",
            ),
            _line(
                "steps",
                f"{load.steps:,} of {load.batch_size:,} rows: {load.rows:,} rows, "
                f"{_tokens(load.rows * load.tokens)} tokens, {load.flops * load.rows:.3g} FLOP",
            ),
            _line("epochs", self._epochs()),
        ]

    def _epochs(self) -> str:
        if self.epochs is None:
            return "not known: --dir names a run whose token shards are counted, --pairs a number"
        return f"{self.epochs:,.3g} of {self.rows:,} rows"

    def _memory(self) -> list[str]:
        device, number = self.cluster.device, self.cluster.devices
        ways = SHARDINGS[:1] if number == 1 else SHARDINGS
        counts = [1 if way == "alone" else number for way in ways]
        heads = [way if way == "alone" else f"{way} of {number:,}" for way in ways]
        found = [memory(self.load, self.cluster, way, recomputes=False) for way in ways]
        redone = [memory(self.load, self.cluster, way, recomputes=True) for way in ways]
        return [
            f"one {device.name} has {size_text(device.ram_bytes)}, and holds",
            _row("", heads),
            *(
                _row(name, [size_text(getattr(one, kind)) for one in found])
                for kind, name in _KINDS.items()
            ),
            _row("  recomputed", [size_text(one.activations) for one in redone]),
            _row("  of rows", [f"{rows_at_once(self.load, count):,}" for count in counts]),
            _row("all", [size_text(one.total) for one in found]),
            _row("  recomputed", [size_text(one.total) for one in redone]),
            _line("recomputed", "the same where each layer is computed again in the backward pass"),
            _line("fits", self._fits()),
        ]

    def _fits(self) -> str:
        if self.fit is None:
            return f"not: not even one row at a time, in {USABLE:.0%} of that memory"
        said = _FITS[self.fit.sharding]
        if self.fit.recomputes:
            said += "; recompute: true"
        if self.fit.accumulation > 1:
            said += f"; accumulation: {self.fit.accumulation}"
        return said

    def _links(self) -> list[str]:
        cluster, load = self.cluster, self.load
        if cluster.devices == 1:
            return []
        rate = size_text(cluster.link_bytes)
        lines = [
            f"{way}: a device sends {size_text(sent_bytes(load, cluster.devices, way))} a step, "
            f"{_duration(link_seconds(load, cluster, way))} at {rate}/s"
            for way in SHARDINGS[1:]
        ]
        if cluster.machines > 1 and (rank := rank_for(load.width)) < load.width:
            shards = block_shards(load.width, cluster.per_machine)
            less = compression_rate(shards, rank // cluster.per_machine)
            lines.append(
                f"PowerSGD of rank {rank:,}: {less:.0%} less of the matrices' gradients between "
                "machines"
            )
        return [_line("" if number else "links", line) for number, line in enumerate(lines)]

    def _time(self) -> list[str]:
        load, device = self.load, self.cluster.device
        by = "" if self.step_s == self.compute_s else ", as long as the links need"
        room = "" if self.fit else ", were there room"
        return [
            _line(
                "time",
                f"{_duration(self.total_s)} on {self.cluster.devices:,} x {device.name}{room}",
            ),
            _line(
                "",
                f"{_duration(self.step_s)} a step{by}; "
                f"{load.tokens * load.batch_size / self.step_s:,.0f} tokens/s",
            ),
            _line("", f"at {self.mfu:.0%} of {device.peak_flops / 1e12:,.4g} TFLOP/s a device"),
            _line(f"{self.mfu:.0%}", self.mfu_source),
            _line(device.name, device.source),
        ]


def estimate_training(
    config: RunConfig,
    directory: str = "",
    device: str = "h100",
    devices: int = 1,
    mfu: float | None = None,
    pairs: float | None = None,
) -> TrainingEstimate:
    """What the training of a config needs.

    Args:
        config: of the run.
        directory: of a run whose token shards are counted; empty for none.
        device: one of `DEVICES`.
        devices: of them, at least 1.
        mfu: share of their peak that is reached; by default what others have measured.
        pairs: rows of the token shards, in place of those of a run.

    Raises:
        ConfigError: there is no such device, a number makes no sense, or the config trains nothing
            that can be counted.
        UsageError: what the config names, such as a codec, is missing or wrong.
    """
    _check(device, devices, mfu, pairs)
    graph = Graph.of(config)
    load = _load(graph)
    kind = DEVICES[device]
    cluster = Cluster(kind, devices, kind.per_machine)
    given = None if mfu is None else "as given"
    return TrainingEstimate(
        load,
        cluster,
        kind.mfu if mfu is None else mfu,
        given or kind.mfu_source,
        _rows(graph, load, directory, pairs),
        fit(load, cluster),
    )


def _check(device: str, devices: int, mfu: float | None, pairs: float | None) -> None:
    if device not in DEVICES:
        near = did_you_mean(device, DEVICES)
        meant = f"did you mean `{near}`?" if near else f"there are {', '.join(DEVICES)}"
        raise ConfigError(f"no device {device[:80]!r} to plan for; {meant}")
    if not 1 <= devices <= 1e6:
        raise ConfigError(f"--devices {devices}: give a number from 1 to 1e6, such as 8")
    if mfu is not None and not 0 < mfu <= 1:
        raise ConfigError(f"--mfu {mfu:g}: give a share above 0, at most 1, such as 0.4")
    if pairs is not None and not 1 <= pairs <= 1e12:
        raise ConfigError(f"--pairs {pairs:g}: give a number from 1 to 1e12, such as 3.3e6")


def _load(graph: Graph) -> Load:
    stage = next((stage for stage in graph.stages if stage.load is not None), None)
    if stage is None or stage.load is None:
        known = ", ".join(f"`{s.name}: {{}}`" for s in registry().values() if s.load is not None)
        raise ConfigError(f"this config trains nothing that can be counted; add {known}")
    _check_sizes(graph, stage)
    return stage.load(graph.config.section(stage))


def _check_sizes(graph: Graph, stage: Stage) -> None:
    check_answered(graph, stage)
    if problem := stage.misfit(graph.config.section(stage), graph.facts(stage)):
        raise ConfigError(f"{stage.name}: {problem}")


def _rows(graph: Graph, load: Load, directory: str, pairs: float | None) -> int | None:
    found = None if pairs is None else int(pairs)
    if found is None and directory:
        folders = [RunFolder(directory).stage(s.name) for s in graph.writers(TOKENS)]
        manifests = [manifest for folder in folders if (manifest := read_manifest(folder))]
        if not manifests:
            raise ConfigError(
                f"{directory} has no finished token shards to count; `dalle run encode` makes "
                "them, or give their number with --pairs"
            )
        found = manifests[-1].rows_out
    if found is None or load.most_rows is None:
        return found
    return min(found, load.most_rows)


def _line(name: str, text: str) -> str:
    return f"{name:<{_WIDTH}}{text}"


def _row(name: str, cells: list[str]) -> str:
    return f"{name:<{_WIDTH}}" + "".join(f"{cell:>15}" for cell in cells)


def _tokens(number: float) -> str:
    for word, size in (("trillion", 1e12), ("billion", 1e9), ("million", 1e6)):
        if number >= size:
            return f"{number / size:,.3g} {word}"
    return f"{number:,.0f}"


def _duration(seconds: float) -> str:
    for word, size in _SECONDS.items():
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {word}"
    return f"{seconds:,.3g} s" if seconds >= 0.1 else f"{1000 * seconds:,.3g} ms"
