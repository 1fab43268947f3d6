"""Takes up again rows that a finished stage has dropped, and leaves all others as they are.

It is a replacement (`orchestration.engine.replacing`) of the shards that hold such rows: those are
written to `.next`, under a manifest of all shards. The others stay the very files that they were.
The fingerprint stays too, so that the next run does not do the stage again; the stages after it see
other rows.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dalle_model import files
from orchestration.engine.config import ConfigError
from orchestration.engine.graph import Graph
from orchestration.engine.jobs import check_no_job
from orchestration.engine.lock import check_no_removal, only_writer
from orchestration.engine.plan import Plan, Run, RunError, plan_stage, rows_needed
from orchestration.engine.preflight import check_inputs, check_settings, chosen_stages
from orchestration.engine.progress import Progress
from orchestration.engine.replacing import replace_result, settle
from orchestration.engine.results import RunClock, clean_up, finish, task_of
from orchestration.engine.run import say_notices, write_shards
from pipelines.io.cleaned import is_freed, remedy
from pipelines.io.layout import StageFolder, part_name, rejected_name
from pipelines.io.manifest import Manifest
from pipelines.io.manifest_groups import digest_of
from pipelines.io.parquet import read_table
from pipelines.io.suggest import did_you_mean
from pipelines.io.task import ShardReport, StageTask, finished_shards
from pipelines.stage import Stage

Keys = dict[str, set[str]]


@dataclass(frozen=True)
class Retried:
    """What a retry of one stage has brought; `str()` is the line that the command prints.

    Args:
        manifest: of the stage as it is now.
        rows: by reason, the rows that were taken up again.
        back: by reason, those of them that are kept now.
    """

    manifest: Manifest
    rows: Mapping[str, int]
    back: Mapping[str, int]

    def __str__(self) -> str:
        rows, back = sum(self.rows.values()), sum(self.back.values())
        each = [f"{name} {self.back[name]:,} of {count:,}" for name, count in self.rows.items()]
        return f"retry: {back:,} of {rows:,} rows came back ({', '.join(each)})"


def retry_stages(
    run: Run, names: Sequence[str], reasons: Sequence[str], progress: Progress
) -> list[Retried]:
    """Take up again the rows that finished stages have dropped for some reasons.

    Args:
        run: whose stages are up to date.
        names: of stages; all that can retry where none is named.
        reasons: of the rejections.
        progress: receives the events.

    Returns:
        One for each stage that had such rows.

    Raises:
        UsageError: an unknown stage or reason, or a stage that cannot retry; nothing is touched.
        RunError: a stage is not up to date, or another run is at work in the same directory.
    """
    graph = Graph.of(run.config)
    stages = _retrying(graph, names, reasons)
    asked = _known_reasons(stages, reasons)
    check_settings(graph, stages)
    check_inputs(run, graph, stages)
    with only_writer(run.root):
        check_no_job(run.root)
        check_no_removal(run.root)
        for stage in stages:
            settle(run.folder.stage(stage.name))
        plans = [_finished(run, graph, stage) for stage in stages]
        say_notices(run, stages, progress)
        found = [_retry(run, graph, plan, asked, progress) for plan in plans]
    return [retried for retried in found if retried is not None]


def _retrying(graph: Graph, names: Sequence[str], reasons: Sequence[str]) -> list[Stage]:
    """The stages with some names, all of which can retry; all that can where there are none."""
    able = [stage for stage in graph.stages if stage.retry]
    chosen = chosen_stages(graph.stages, names) if names else able
    for stage in chosen:
        if stage not in able:
            again = " ".join(["dalle run", *(s.name for s in able), "--retry", ",".join(reasons)])
            raise ConfigError(
                f"--retry: {stage.name} gives the same answer each time; "
                + (f"run `{again}`" if able else "no stage of this config can retry")
            )
    return chosen


def _known_reasons(stages: Sequence[Stage], reasons: Sequence[str]) -> tuple[str, ...]:
    known = sorted({reason for stage in stages if stage.retry for reason in stage.retry.reasons})
    for reason in reasons:
        if reason not in known:
            near = did_you_mean(reason, known)
            meant = f"did you mean `{near}`? " if near else ""
            raise ConfigError(
                f"--retry: no rows are dropped as `{reason[:80]}`; {meant}"
                f"the reasons are {', '.join(known)}"
            )
    return tuple(sorted(set(reasons)))


def _finished(run: Run, graph: Graph, stage: Stage) -> Plan:
    plan = plan_stage(run, graph, stage)
    if plan.finished is None:
        raise RunError(
            f"{stage.name}: {plan.why}; --retry takes up rows of a stage that is up to date: "
            f"run `dalle run {stage.name}` first"
        )
    for other in (stage, *rows_needed(run, graph, stage)):
        if is_freed(run.folder.stage(other.name)):
            raise RunError(f"{stage.name}: --retry needs rows that are gone: {remedy(other.name)}")
    return plan


def _retry(
    run: Run, graph: Graph, plan: Plan, reasons: tuple[str, ...], progress: Progress
) -> Retried | None:
    stage, old = plan.stage, plan.finished
    assert old is not None
    counts = {name: old.rejected[name] for name in reasons if name in old.rejected}
    if not counts:
        progress.say(f"{stage.name:<10} no row was dropped as {_listed(reasons)}: nothing to retry")
        return None
    task = _task(run, graph, plan, old, tuple(counts))
    why = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    with progress.stage(stage.name, f"taken up again: {why}"):
        retried = _replaced(run, graph, plan, old, task, progress)
    progress.say(f"{stage.name:<10} {retried}")
    return retried


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _task(run: Run, graph: Graph, plan: Plan, old: Manifest, reasons: tuple[str, ...]) -> StageTask:
    """The work on the shards that hold such rows; it is another one once the result is another."""
    state = [list(old.files), list(old.rejected_files), old.retried]
    return replace(
        task_of(run, graph, plan, is_next=True),
        attempt=digest_of(["retry", reasons, state, plan.attempt]),
        pending=tuple(_shards_with(run.folder.stage(plan.stage.name), old, reasons)),
        retried=reasons,
    )


def _shards_with(folder: StageFolder, old: Manifest, reasons: Collection[str]) -> list[int]:
    found = []
    for index, entry in enumerate(old.rejected_files):
        if entry["rows"]:
            there = read_table(folder.file(entry["name"]), ["reason"])["reason"].unique()
            found += [index] * (not set(reasons).isdisjoint(there.to_pylist()))
    return found


def _replaced(
    run: Run, graph: Graph, plan: Plan, old: Manifest, task: StageTask, progress: Progress
) -> Retried:
    stage, clock = plan.stage, RunClock()
    _drop_other_work(task)
    reports = write_shards(run, stage, graph.facts(stage), task, progress, clock)
    retried = _outcome(task, old, reports)
    timings = clock.seconds() | {"workers": run.workers}
    finish(plan, task, retried.manifest, timings)
    replace_result(task.finished, retried.manifest)
    clean_up(run, graph, stage, retried.manifest)
    return retried


def _drop_other_work(task: StageTask) -> None:
    """Remove from `.next` what this very work has not written: it would be put in place as well."""
    done = finished_shards(task)
    kept = {part_name(index, task.num_shards) for index in done}
    kept |= {rejected_name(index, task.num_shards) for index in done}
    files.remove(task.folder.manifest)
    for name in task.folder.output_names():
        if name not in kept:
            files.remove(task.folder.file(name))


def _outcome(task: StageTask, old: Manifest, reports: Collection[ShardReport]) -> Retried:
    """The books of the whole result, in which some shards are new."""
    before, after = Counter(old.rejected), Counter[str]()
    rows, back = Counter[str](), Counter[str]()
    kept, dropped = list(old.files), list(old.rejected_files)
    for report in reports:
        was, still = _keys(task.finished, report.index), _keys(task.folder, report.index)
        lost = set().union(*still.values())
        for name, keys in was.items():
            before[name] -= len(keys)
            if name in task.retried:
                rows[name] += len(keys)
                back[name] += len(keys - lost)
        after.update(report.reasons)
        kept[report.index] = {"name": kept[report.index]["name"], **report.kept_file}
        dropped[report.index] = {"name": dropped[report.index]["name"], **report.rejected_file}
    passed_over = Counter(old.passed_over)
    for report in reports:
        passed_over.update(report.passed_over)
    books: dict[str, Any] = {name: {"rows": rows[name], "back": back[name]} for name in rows}
    manifest = replace(
        old,
        rows_out=sum(entry["rows"] for entry in kept),
        rejected=dict(sorted((+(before + after)).items())),
        files=kept,
        rejected_files=dropped,
        retried=[*old.retried, dict(sorted(books.items()))],
        passed_over=dict(sorted(passed_over.items())),
        warnings=list(dict.fromkeys([*old.warnings, *(w for r in reports for w in r.warnings)])),
    )
    return Retried(manifest, dict(sorted(rows.items())), back)


def _keys(folder: StageFolder, index: int) -> Keys:
    """The keys of the rows that a shard has dropped, by reason."""
    table = read_table(folder.rejected(index), ["key", "reason"])
    found: Keys = {}
    for key, reason in zip(table["key"].to_pylist(), table["reason"].to_pylist(), strict=True):
        found.setdefault(reason, set()).add(key)
    return found
