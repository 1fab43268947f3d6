"""What is to be done for a stage, and why: decided from manifests alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dalle_model import files
from dalle_model.errors import DalleError
from orchestration.engine.config import RunConfig
from orchestration.engine.graph import Stage, fingerprint
from orchestration.engine.manifest import (
    Manifest,
    digest_of,
    missing_files,
    read_manifest,
    read_timings,
)


class RunError(DalleError):
    """A run cannot start or go on: why, and the command that mends it."""


@dataclass(frozen=True)
class Run:
    """One `dalle run`: settings, place, and how the work is spread.

    Args:
        config: with absolute paths.
        root: URL of the run directory.
        workers: processes of the local runner.
        beam_options: passed through to Beam.
        as_written: what the run directory keeps as its config, where a command adds to it.
    """

    config: RunConfig
    root: str
    workers: int = 1
    beam_options: tuple[str, ...] = ()
    as_written: RunConfig | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be done for one stage, and why.

    Args:
        stage: of the graph.
        fingerprint: of its work.
        attempt: names the work together with the files outside the run as they are now.
        inputs: content digests of what it reads.
        outside: size and stamp of each file outside the run.
        finished: its manifest, where nothing is to be done.
        why: for the terminal.
    """

    stage: Stage
    fingerprint: str
    attempt: str
    inputs: dict[str, str]
    outside: list[dict[str, Any]]
    finished: Manifest | None
    why: str


def plan_stage(run: Run, stage: Stage) -> Plan:
    """Decide whether a stage is up to date, from manifests alone.

    Raises:
        RunError: a stage that it reads is not finished.
    """
    inputs = {name: _input_digest(run, stage, name) for name in stage.reads}
    outside = [files.identity(url) for url in stage.outside(run.config)]
    mark = fingerprint(stage, run.config, inputs)
    old = read_manifest(run.root, stage.name)
    why = _why(run, stage, old, mark, inputs, outside)
    finished = None if why else old
    return Plan(
        stage=stage,
        fingerprint=mark,
        attempt=digest_of([mark, outside]),
        inputs=inputs,
        outside=outside,
        finished=finished,
        why=why or f"nothing to do: fingerprint {mark[:12]} is finished",
    )


def _input_digest(run: Run, stage: Stage, name: str) -> str:
    manifest = read_manifest(run.root, name)
    if manifest is None:
        raise RunError(
            f"{stage.name} reads {name}, which is not finished in {run.root}; "
            f"run `dalle run {name} {stage.name}` with the same --config and --dir"
        )
    return manifest.digest


def _why(
    run: Run,
    stage: Stage,
    old: Manifest | None,
    mark: str,
    inputs: dict[str, str],
    outside: list[dict[str, Any]],
) -> str:
    """Why a stage must run; empty where it is up to date."""
    if old is None:
        return "not finished yet"
    if old.fingerprint != mark:
        return _difference(old, stage, run.config, inputs)
    if outside and read_timings(run.root, stage.name).get("outside") != outside:
        return "an input file is another one than before"
    gone = missing_files(run.root, old)
    return f"{gone[0]} is missing or has another size" if gone else ""


def _difference(old: Manifest, stage: Stage, config: RunConfig, inputs: dict[str, str]) -> str:
    changed = [f"the rows of {name}" for name in inputs if old.inputs.get(name) != inputs[name]]
    before, now = dict(_flat(old.config)), dict(_flat(stage.settings(config)))
    dependencies = stage.dependencies(config)
    changed += [
        f"{name} ({before.get(name)} -> {now.get(name)})"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    changed += [
        name
        for name in sorted(dependencies.keys() | old.dependencies.keys())
        if old.dependencies.get(name) != dependencies.get(name)
    ]
    return "changed: " + ", ".join(changed or ["the schema or the number of shards"])


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by name, as `sites[0].max_pages`; tuples as the lists that JSON makes of them."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _flat(below, f"{name}.{key}" if name else key)
    elif isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        for number, below in enumerate(value):
            yield from _flat(below, f"{name}[{number}]")
    else:
        yield name, list(value) if isinstance(value, tuple) else value
