"""What is to be done for a stage, and why: decided from manifests alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.errors import DalleError
from orchestration.engine.config import RunConfig
from orchestration.engine.graph import Graph
from pipelines.io.cleaned import Cleaned, read_mark
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest, missing_files, read_manifest, read_timings
from pipelines.io.manifest_groups import digest_of
from pipelines.stage import Stage

MAX_CHANGES, MAX_VALUE = 8, 60  # what one line tells of a stage; chosen: it stays readable


class RunError(DalleError):
    """A run cannot start or continue: why, and the command that fixes it."""


@dataclass(frozen=True)
class Run:
    """One `dalle run`: settings, directory, and how the work is distributed.

    Args:
        config: with absolute paths.
        root: URL of the run directory.
        workers: processes that work at once, as far as is known.
        beam_options: passed through to Beam, with those of a profile.
        as_written: what the run directory keeps as its config, where a command adds to it.
        replaces: whether finished stages of another run in the directory may be replaced.
        is_left: whether a job on a runner elsewhere is started and not waited for.
        knows_workers: whether the runner has no more processes than `workers`.
    """

    config: RunConfig
    root: str
    workers: int = 1
    beam_options: tuple[str, ...] = ()
    as_written: RunConfig | None = None
    replaces: bool = False
    is_left: bool = False
    knows_workers: bool = True

    @property
    def folder(self) -> RunFolder:
        """The run directory."""
        return RunFolder(self.root, self.config.num_shards)


@dataclass(frozen=True)
class Plan:
    """What is to be done for one stage, and why.

    Args:
        stage: of the graph.
        fingerprint: of its work.
        row_work: of what it does for a row; as in a manifest.
        attempt: names the work together with the files outside the run as they are now.
        inputs: content digests of what it reads and what no other input pins.
        outside: size and stamp of each file outside the run.
        finished: its manifest, where nothing is to be done.
        why: for the terminal.
    """

    stage: Stage
    fingerprint: str
    row_work: str
    attempt: str
    inputs: dict[str, str]
    outside: list[dict[str, Any]]
    finished: Manifest | None
    why: str


def plan_stage(run: Run, graph: Graph, stage: Stage, *, sees_wants: bool = True) -> Plan:
    """Decide whether a stage is up to date, from manifests alone.

    Args:
        run: of the graph.
        graph: of the run.
        stage: of the graph.
        sees_wants: whether one whose rows were freed is to be made where something wants them.

    Raises:
        RunError: a stage that it reads is not finished.
    """
    read = {other.name: _input(run, stage, other) for other in graph.predecessors(stage)}
    digests = {name: manifest.digest for name, manifest in read.items()}
    inputs = {other.name: digests[other.name] for other in graph.deciding(stage)}
    row_works = {name: manifest.row_work for name, manifest in read.items()}
    outside = list(at_once(files.identity, graph.outside(stage)))
    fingerprint = graph.fingerprint(stage, inputs)
    folder = run.folder.stage(stage.name)
    old, mark = read_manifest(folder), read_mark(folder)
    if old is None:
        why = "not finished yet"
    elif old.fingerprint != fingerprint:
        why = difference(old, graph, stage, inputs)
    else:
        why = _damage(folder, old, outside, mark) or (_wanted(mark) if sees_wants else "")
    freed = ", its rows were freed" if mark else ""
    return Plan(
        stage=stage,
        fingerprint=fingerprint,
        row_work=graph.row_work(stage, inputs, row_works),
        attempt=digest_of([fingerprint, outside]),
        inputs=inputs,
        outside=outside,
        finished=None if why else old,
        why=why or f"nothing to do: fingerprint {fingerprint[:12]} is finished{freed}",
    )


def _input(run: Run, stage: Stage, read: Stage) -> Manifest:
    manifest = read_manifest(run.folder.stage(read.name))
    if manifest is None:
        raise unfinished_input(run, stage, read)
    return manifest


def unfinished_input(run: Run, stage: Stage, read: Stage) -> RunError:
    """That a stage cannot run since another, which it reads, is not finished."""
    shards = f" in {run.config.num_shards} shards" if read.is_sharded else ""
    return RunError(
        f"{stage.name} reads {read.name}, which is not finished{shards} in {run.root}; "
        f"run `dalle run {read.name} {stage.name}`"
    )


def rows_needed(run: Run, graph: Graph, stage: Stage) -> list[Stage]:
    """The stages whose rows a stage cannot do without, freed or not, in the order of the run.

    Of an input that others pin it reads the bytes of images alone; where rows that were freed held
    none, it has nothing to read there.
    """
    deciding = graph.deciding(stage)
    return [
        read
        for read in graph.predecessors(stage)
        if read in deciding
        or (mark := read_mark(run.folder.stage(read.name))) is None
        or mark.holds_images
    ]


def _wanted(mark: Cleaned | None) -> str:
    return needed_by(mark.wanted_by) if mark and mark.wanted_by else ""


def needed_by(reader: str) -> str:
    """Why a stage whose rows were freed is made again."""
    return f"its rows were freed, and {reader} needs them"


def _damage(
    folder: StageFolder, old: Manifest, outside: list[dict[str, Any]], mark: Cleaned | None
) -> str:
    """Why a stage with the right fingerprint must run all the same; empty where it need not."""
    if outside and read_timings(folder).get("outside") != outside:
        return "an input file is another one than before"
    gone = missing_files(folder, old)
    if mark:
        kept = {folder.file(entry["name"]) for entry in old.files}
        gone = [url for url in gone if url not in kept]
    return f"{gone[0]} is missing or has another size" if gone else ""


def difference(old: Manifest, graph: Graph, stage: Stage, inputs: dict[str, str]) -> str:
    """What of a finished stage is no longer as it was, for a person.

    Where a setting has changed, that it takes up or leaves a dependency is no news, nor is the
    file that it names.
    """
    changed = [f"the rows of {name}" for name in inputs if old.inputs.get(name) != inputs[name]]
    if stage.is_sharded and old.num_shards != graph.config.num_shards:
        changed.append(f"num_shards ({old.num_shards} -> {graph.config.num_shards})")
    before, now = dict(_flat(old.config)), dict(_flat(graph.settings(stage)))
    settings = _differing(before, now)
    changed += [
        f"{name} ({_short(before.get(name))} -> {_short(now.get(name))})" for name in settings
    ]
    used, uses = old.dependencies, graph.dependencies(stage)
    changed += [
        name
        for name in _differing(used, uses)
        if not settings or (name in used and name in uses and name not in settings)
    ]
    more = [f"{len(changed) - MAX_CHANGES} more"] if len(changed) > MAX_CHANGES else []
    return "changed: " + ", ".join([*changed[:MAX_CHANGES], *more] or ["the schema"])


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)
    ]


def _short(value: Any) -> str:
    """A setting for a line of a terminal, which a list of URLs would fill."""
    text = str(value)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}..."


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
