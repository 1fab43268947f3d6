"""The stages of a run in order, and which of them write the roles that the others read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dalle_model.errors import DalleError
from orchestration.engine.config import RunConfig
from orchestration.engine.registry import StageError, registry
from pipelines.io import fingerprints
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest
from pipelines.io.manifest_groups import digest_of
from pipelines.records import SELECTION
from pipelines.stage import Cost, Stage


@dataclass(frozen=True)
class Graph:
    """The stages of one run.

    Args:
        config: of the run.
        stages: in the order in which they run; each reads what those before it write.
    """

    config: RunConfig
    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, config: RunConfig) -> "Graph":
        """The stages that a config asks for, and those whose output they need.

        Raises:
            StageError: stages read each other in a circle, two write one role, columns that one
                reads are not written, or a role that one reads is written by none.
        """
        return cls(config, _checked(_in_order(_asked_for(config), config.selections)))

    def stage(self, name: str) -> Stage | None:
        """A stage by its name; None where the run has none."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def writers(self, role: str) -> list[Stage]:
        """The stages that write a role, in order."""
        return [stage for stage in self.stages if stage.writes.role == role]

    def inputs(self, stage: Stage) -> dict[str, list[Stage]]:
        """By role, the stages whose output a stage reads."""
        before = self.stages[: self.stages.index(stage)]
        return {
            role: [other for other in before if other.writes.role == role] for role in stage.reads
        }

    def predecessors(self, stage: Stage) -> list[Stage]:
        """All stages whose output a stage reads, in the order of the run."""
        read = {other.name for found in self.inputs(stage).values() for other in found}
        return [other for other in self.stages if other.name in read]

    def deciding(self, stage: Stage) -> list[Stage]:
        """Those of them whose digests are part of the fingerprint of a stage."""
        pinned = {role for role, reads in stage.reads.items() if reads.is_pinned}
        return [other for other in self.predecessors(stage) if other.writes.role not in pinned]

    def ancestors(self, stage: Stage) -> list[Stage]:
        """All stages on which the output of a stage depends, in the order of the run."""
        needed = {stage.name}
        for other in reversed(self.stages):
            if other.name in needed:
                needed |= {before.name for before in self.predecessors(other)}
        return [other for other in self.stages if other.name in needed - {stage.name}]

    def provided(self, stage: Stage) -> dict[str, str]:
        """The roles that a stage reads and that settings answer, since no stage writes them."""
        unwritten = [role for role, writers in self.inputs(stage).items() if not writers]
        answers = ((role, self.provider(role)) for role in unwritten)
        return {role: url for role, url in answers if url is not None}

    def provider(self, role: str) -> str | None:
        """What the settings of the run say of a role; None where they say nothing."""
        found = (stage for stage in self.stages if role in stage.provides)
        return next((s.provides[role](self.config.section(s)) for s in found), None)

    def input_urls(self, stage: Stage, run: RunFolder) -> dict[str, tuple[str, ...]]:
        """By role, the URLs of what a stage reads, as its task holds them."""
        written = {
            role: tuple(_output(run, writer) for writer in writers)
            for role, writers in self.inputs(stage).items()
        }
        return written | {role: (url,) for role, url in self.provided(stage).items()}

    def url(self, role: str, run: RunFolder) -> str | None:
        """URL of the last output of a role in a run, or what its settings say of it."""
        writers = self.writers(role)
        return _output(run, writers[-1]) if writers else self.provider(role)

    def facts(self, stage: Stage) -> dict[str, Any]:
        """What settings fix of a stage's output and of all on which it depends."""
        return self._facts((*self.ancestors(stage), stage))

    def all_facts(self) -> dict[str, Any]:
        """The same of every stage of the run, those behind a stage among them.

        Raises:
            UsageError: what settings name, such as a codec, is missing or wrong.
        """
        return self._facts(self.stages)

    def _facts(self, stages: Iterable[Stage]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for other in stages:
            found |= other.facts(self.config.section(other), self.provided(other))
        return found

    def cost(self, stage: Stage) -> Cost | None:
        """What a row costs a stage with its settings; None where that is not known.

        Raises:
            UsageError: what settings name, such as a codec, is missing or wrong.
        """
        if stage.cost_of is None:
            return stage.cost
        return stage.cost_of(self.config.section(stage), self.provided(stage))

    def settings(self, stage: Stage) -> dict[str, Any]:
        """What of the config decides the result of a stage.

        Whether an archive answers in place of the web is part of it; where the archive lies is not.
        """
        return self._own_settings(stage) | self._heeded(stage)

    def _own_settings(self, stage: Stage) -> dict[str, Any]:
        section = self.config.section(stage)
        settings = stage.settings(section)
        if self.config.replay is not None and stage.resources.needs_web(section):
            settings["replay"] = self.config.replay.hosts
        return settings

    def _heeded(self, stage: Stage) -> dict[str, Any]:
        """The facts of the stages before one that decide its result, as further settings."""
        if not stage.heeds:
            return {}
        found = self._facts(self.ancestors(stage))
        heeded = {name: found[name] for name in stage.heeds if name in found}
        return {"facts": heeded} if heeded else {}

    def dependencies(self, stage: Stage) -> dict[str, str]:
        """Versions and digests on which the result of a stage depends."""
        return stage.dependencies(self.config.section(stage), self.provided(stage))

    def outside(self, stage: Stage) -> list[str]:
        """URLs of the files outside the run that a stage reads."""
        section = self.config.section(stage)
        urls = stage.outside(section)
        if self.config.replay is not None and stage.resources.needs_web(section):
            urls = [*urls, self.config.replay.archive]
        return urls

    def fingerprint(self, stage: Stage, inputs: Mapping[str, str]) -> str:
        """SHA-256 that names the work of a stage, given the digests of its inputs."""
        num_shards = self.config.num_shards if stage.is_sharded else 0
        settings, dependencies = self.settings(stage), self.dependencies(stage)
        return fingerprints.fingerprint(stage.name, num_shards, settings, inputs, dependencies)

    def row_work(
        self, stage: Stage, inputs: Mapping[str, str], row_works: Mapping[str, str]
    ) -> str:
        """SHA-256 that names what a stage does for a row, whatever other rows there are.

        Args:
            stage: one of the graph.
            inputs: digests of the results that it reads, by the names of their stages.
            row_works: the same as this of those stages.

        Returns:
            Empty where it takes nothing over from earlier results.
        """
        if stage.reuse is None:
            return ""
        read = self.inputs(stage)
        followed = {o.name: row_works[o.name] for role in stage.reuse.follows for o in read[role]}
        models = {o.name: inputs[o.name] for o in self.predecessors(stage) if not o.is_sharded}
        settings = self._own_settings(stage)  # what it heeds is written, not worked on
        beside = stage.reuse.beside
        return fingerprints.row_work(
            stage.name, settings, self.dependencies(stage), followed, models, beside
        )

    def is_up_to_date(self, manifest: Manifest) -> bool:
        """Whether a finished stage was made with the settings, models and lists that hold now.

        Raises:
            PackageNotFoundError: a library that its work depends on is not installed here.
        """
        stage = self.stage(manifest.stage)
        if stage is None or digest_of(self.settings(stage)) != digest_of(manifest.config):
            return False
        try:
            return self.dependencies(stage) == manifest.dependencies
        except DalleError:  # such as a recipe that is gone
            return False


def all_stages() -> tuple[Stage, ...]:
    """Every stage that is installed, in the order of a run, both of two that write one role."""
    stages = list(registry().values())
    try:
        return _in_order(stages, [])
    except StageError:  # a circle, which a config need not have
        return tuple(stages)


def _output(run: RunFolder, stage: Stage) -> str:
    folder = run.stage(stage.name)
    return folder.file(stage.writes.file) if stage.writes.file else folder.url


def _asked_for(config: RunConfig) -> list[Stage]:
    """The stages of a config and, again and again, the writers of what they cannot do without."""
    asked = [stage for stage in registry().values() if config.has(stage)]
    while True:
        written = {stage.writes.role for stage in asked}
        needed = {
            role
            for stage in asked
            for role, reads in stage.reads.items()
            if reads.count == "one" and role not in written
        }
        more = [stage for stage in registry().values() if stage.writes.role in needed]
        if not more:
            return asked
        asked += more


def _in_order(stages: Sequence[Stage], selections: Sequence[str]) -> tuple[Stage, ...]:
    """Each stage behind those that it reads, filters of images in the order of the config."""
    filters = [stage for stage in stages if stage.writes.role == SELECTION]
    filters.sort(key=lambda s: selections.index(s.name) if s.name in selections else -1)
    ordered: list[Stage] = []
    left = [*(stage for stage in stages if stage not in filters), *filters]
    while left:
        ready = next((s for s in left if not _waits_for(s, left, filters)), None)
        if ready is None:
            names = ", ".join(stage.name for stage in left)
            raise StageError(f"the stages {names} read each other's output in a circle")
        ordered.append(ready)
        left.remove(ready)
    return tuple(ordered)


def _waits_for(stage: Stage, left: Iterable[Stage], filters: list[Stage]) -> bool:
    """Whether something that a stage reads is still to be written."""
    if stage in filters:
        earlier = filters[: filters.index(stage)]
        return any(
            o in earlier or (o not in filters and o.writes.role in stage.reads) for o in left
        )
    return any(other.writes.role in stage.reads for other in left)


def _checked(ordered: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The same stages; raises StageError where one of them cannot have what it reads."""
    for place, stage in enumerate(ordered):
        _check_roles(stage, ordered[:place])
    return ordered


def _check_roles(stage: Stage, before: Sequence[Stage]) -> None:
    for role, reads in stage.reads.items():
        writers = [other for other in before if other.writes.role == role]
        if reads.count == "one" and not writers:
            raise StageError(f"{stage.name} reads {role!r}, which no stage of this run writes")
        if reads.count != "any" and len(writers) > 1:
            names = " and ".join(writer.name for writer in writers)
            raise StageError(
                f"{names} both write {role!r}, which {stage.name} reads: leave one out"
            )
        for writer in writers:
            _check_columns(stage, role, writer)


def _check_columns(stage: Stage, role: str, writer: Stage) -> None:
    """Both sides of a boundary state a schema: what is read must be written, in the same type."""
    read, written = stage.reads[role].schema, writer.writes.schema
    if read is None or written is None:
        return
    for field in read:
        if field.name not in written.names:
            raise StageError(f"{stage.name} reads {role}.{field.name}, {writer.name} writes none")
        if written.field(field.name).type != field.type:
            raise StageError(
                f"{stage.name} reads {role}.{field.name} as {field.type}, "
                f"{writer.name} writes {written.field(field.name).type}"
            )
