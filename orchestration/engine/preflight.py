"""What the config shows to be wrong, found before a row is read or a finished result is touched."""

from collections.abc import Sequence
from pathlib import Path

from dalle_model import files
from orchestration.engine.answers import check_answered
from orchestration.engine.config import ConfigError
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run, unfinished_input
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import read_manifest
from pipelines.io.suggest import did_you_mean
from pipelines.records import CARRIED, SELECTION, SELECTION_SCHEMA
from pipelines.stage import Stage


def check_directory(root: str) -> None:
    """Refuse a run directory in the place of which, or above which, is a file.

    Raises:
        ConfigError: names the file.
        UnknownProtocolError: it is in a store of no known kind.
        ImportError: the library of its store is not installed.
    """
    if not files.is_local(root):
        files.url_to_fs(root)
        return
    path = Path(files.local_path(root))
    there = next((place for place in (path, *path.parents) if place.exists()), path)
    if there.is_file():
        raise ConfigError(f"{there}: a file is where a folder is needed; choose another --dir")


def chosen_stages(stages: Sequence[Stage], names: Sequence[str]) -> list[Stage]:
    """The stages with some names, in the order of the run; all where there are none.

    Raises:
        ConfigError: the run has no such stage.
    """
    known = [stage.name for stage in stages]
    for name in names:
        if name not in known:
            near = did_you_mean(name, known)
            meant = f"did you mean `{near}`?" if near else f"it has {', '.join(known)}"
            raise ConfigError(f"no stage `{name[:80]}` in this config; {meant}")
    return [stage for stage in stages if not names or stage.name in names]


def check_settings(graph: Graph, stages: Sequence[Stage]) -> None:
    """Refuse settings that cannot work: what they name is missing, or they do not fit each other.

    Args:
        graph: of the run.
        stages: those that are to run; of the others nothing need be installed or there.

    Raises:
        UsageError: a source, a recipe, a codec or a word list is missing or wrong, or the sizes of
            two stages do not fit.
    """
    for stage in stages:
        graph.dependencies(stage)
        graph.outside(stage)
        check_answered(graph, stage)
        if problem := stage.misfit(graph.config.section(stage), graph.facts(stage)):
            raise ConfigError(f"{stage.name}: {problem}")
        _check_names(graph, stage)
    check_reuse(graph)
    replay = graph.config.replay
    if replay is not None and not files.exists(replay.archive):
        raise ConfigError(f"replay.archive: {replay.archive}: nothing is there; correct the path")


def check_reuse(graph: Graph) -> None:
    """Refuse to reuse what is no run, or one whose rows are in other shards.

    Raises:
        ConfigError: names the directory, and what to set.
    """
    num_shards = graph.config.num_shards
    for root in graph.config.reuse:
        folder = RunFolder(root, num_shards)
        stages = [stage for stage in graph.stages if stage.is_sharded]
        found = list(filter(None, (read_manifest(folder.stage(s.name)) for s in stages)))
        if not found:
            raise ConfigError(
                f"reuse: {root}: no stage of this run is finished there; correct the path"
            )
        if other := {manifest.num_shards for manifest in found} - {num_shards}:
            raise ConfigError(
                f"reuse: {root} has {min(other)} shards, and this run {num_shards}, so its rows "
                f"are in other ones; set `num_shards: {min(other)}`"
            )


def _check_names(graph: Graph, stage: Stage) -> None:
    """Refuse a filter of images that adds a column which a source carries."""
    if stage.writes.role != SELECTION or stage.writes.schema is None:
        return
    added = set(stage.writes.schema.names) - set(SELECTION_SCHEMA.names)
    if shared := sorted(added & set(graph.facts(stage).get(CARRIED, {}))):
        raise ConfigError(
            f"{stage.name} adds the column {shared[0]!r}, which a source carries as well; leave it "
            "out of `carry`, or give it another name in the source"
        )


def check_politeness(run: Run, names: Sequence[str]) -> None:
    """Refuse to ask the web by processes that nobody has counted.

    A host belongs to one process, but one to which others redirect is asked by all of them.

    Args:
        run: which may have a runner that does not say how many processes it has.
        names: of stages; all where there are none.

    Raises:
        ConfigError: names the stage that asks the web, and where to set the number.
    """
    if run.knows_workers or run.config.replay is not None:
        return
    for stage in chosen_stages(Graph.of(run.config).stages, names):
        if stage.resources.needs_web(run.config.section(stage)):
            raise ConfigError(
                f"{stage.name} asks the web, and this runner does not say how many processes it "
                "has, among which the limits of a host are parted: set `parallelism` and "
                "`workers_per_machine` in the profile (of Dataflow `max_num_workers` and "
                "`machine_type`), or the most that there can be with --workers N"
            )


def check_inputs(run: Run, graph: Graph, stages: Sequence[Stage]) -> None:
    """Refuse stages that read what is neither finished nor among them.

    Raises:
        RunError: names the first, and the command that makes it.
    """
    for stage in stages:
        for read in graph.predecessors(stage):
            if read not in stages and not _is_finished(run, read):
                raise unfinished_input(run, stage, read)


def _is_finished(run: Run, stage: Stage) -> bool:
    """Whether its result is whole, though a crash may have kept it from its place."""
    folder = run.folder.stage(stage.name)
    found = [read_manifest(place) for place in (folder, folder.next)]
    num_shards = run.config.num_shards if stage.is_sharded else 0
    return any(manifest and manifest.num_shards == num_shards for manifest in found)
