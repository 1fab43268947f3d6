"""Run the stages of a graph: skip what is finished, resume what is not, balance the books."""

import fcntl
import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dalle_model import files
from orchestration.beam import stages as beam_stages
from orchestration.cli.progress import Progress
from orchestration.engine import model_stages
from orchestration.engine.config import RunConfig, keep_config
from orchestration.engine.graph import Stage, graph
from orchestration.engine.manifest import (
    MANIFEST,
    Manifest,
    read_timings,
    stage_task,
    write_manifest,
    write_timings,
)
from orchestration.engine.plan import Plan, Run, RunError, plan_stage
from pipelines.io.task import StageTask, finished_shards, part_name


def run_stages(run: Run, names: Sequence[str], progress: Progress) -> list[Manifest]:
    """Bring the named stages up to date, or all of them where none is named.

    Returns:
        The manifests, in the order of the graph.

    Raises:
        RunError: an unknown stage, a stage whose inputs are not finished, too many rejections,
            or another run at work in the same directory.
    """
    stages = _chosen(graph(run.config), names)
    for stage in stages:
        stage.dependencies(run.config)  # a missing recipe or codec is told before the first row
    manifests = []
    with _only_writer(run.root):
        files.sweep_temporary(run.root)
        keep_config(run.root, run.as_written or run.config)
        for stage in stages:
            plan = plan_stage(run, stage)
            if plan.finished is not None:
                _tidy(stage_task(run.root, stage.name, run.config.num_shards, "", ""))
                files.remove(files.join(run.root, stage.name, "progress"))
                progress.skipped(stage.name, plan.why, plan.finished)
                manifests.append(plan.finished)
                continue
            with progress.stage(stage.name, plan.why):
                manifests.append(_do(run, plan, progress))
            progress.finished(manifests[-1], read_timings(run.root, stage.name))
    return manifests


def _chosen(stages: list[Stage], names: Sequence[str]) -> list[Stage]:
    known = [stage.name for stage in stages]
    for name in names:
        if name not in known:
            raise RunError(f"no stage `{name}` in this config; it has {', '.join(known)}")
    return [stage for stage in stages if not names or stage.name in names]


def _do(run: Run, plan: Plan, progress: Progress) -> Manifest:
    stage = plan.stage
    # The old manifest goes first: a crash from here on must leave a stage that is not finished.
    files.remove(files.join(run.root, stage.name, MANIFEST))
    started, cpu = time.perf_counter(), _cpu_seconds()
    identity: dict[str, Any] = {
        "stage": stage.name,
        "fingerprint": plan.fingerprint,
        "config": stage.settings(run.config),
        "inputs": plan.inputs,
        "dependencies": stage.dependencies(run.config),
    }
    if stage.is_sharded:
        manifest = _run_shards(run, plan, identity, progress)
    else:
        result = model_stages.run(stage.name, run.config, run.root, progress)
        manifest = Manifest(**identity, files=result.files, metrics=result.metrics)
    timings = {
        "wall_s": round(time.perf_counter() - started, 3),
        "cpu_s": round(_cpu_seconds() - cpu, 3),
        "workers": run.workers,
        "outside": plan.outside,
    }
    write_timings(run.root, stage.name, timings)
    write_manifest(run.root, manifest)
    files.remove(files.join(run.root, stage.name, "progress"))
    return manifest


def _run_shards(run: Run, plan: Plan, identity: dict[str, Any], progress: Progress) -> Manifest:
    stage, num_shards = plan.stage, run.config.num_shards
    task = stage_task(run.root, stage.name, num_shards, plan.fingerprint, plan.attempt)
    _tidy(task)
    before = finished_shards(task)
    task = replace(task, pending=tuple(i for i in task.pending if i not in before))
    if task.pending:
        progress.shards(task, len(before))
        beam_stages.run(task, run.config, run.workers, run.beam_options)
    reports = finished_shards(task)
    lost = sorted(set(range(num_shards)) - set(reports))
    if lost:
        raise RunError(
            f"{stage.name}: the runner ended, but shards {lost} are not written; "
            "look at the runner's log, then give the same command again"
        )
    _tidy(task)
    manifest = Manifest.of_shards(reports.values(), num_shards, **identity)
    _check_reject_rate(stage, run.config, manifest)
    return manifest


def _tidy(task: StageTask) -> None:
    """Delete what killed writers left, and shards of another number of shards."""
    folder = files.join(task.root, task.stage)
    expected = {part_name(index, task.num_shards) for index in range(task.num_shards)}
    for place in (folder, files.join(folder, "rejected")):
        files.sweep_temporary(place)
        for name in files.list_names(place):
            if name.startswith("part-") and name not in expected:
                files.remove(files.join(place, name))
    files.sweep_temporary(files.join(folder, "progress"))


def _check_reject_rate(stage: Stage, config: RunConfig, manifest: Manifest) -> None:
    limit = stage.max_reject_rate(config)
    if manifest.reject_rate <= limit:
        return
    table = "\n".join(
        f"  {count:>8}  {reason}"
        for reason, count in sorted(manifest.rejected.items(), key=lambda item: -item[1])
    )
    raise RunError(
        f"{stage.name} dropped {manifest.reject_rate:.1%} of {manifest.rows_in} rows, more than "
        f"max_reject_rate {limit:.1%}:\n{table}\n"
        f"Look at some with `dalle explain`, or raise {stage.name}.max_reject_rate"
    )


def _cpu_seconds() -> float:
    """Of this process and its finished children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@contextmanager
def _only_writer(root: str) -> Iterator[None]:
    """Hold the run directory; a lock on the folder itself leaves no file behind."""
    if not files.is_local(root):
        yield
        return
    folder = Path(root.removeprefix("file://"))
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, root)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, root: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunError(f"another run is at work in {root}; wait for it, or use --dir") from error
