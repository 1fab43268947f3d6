"""What the report of a run shows, as data: no HTML here, and no name of a stage."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from itertools import chain, islice
from typing import Any

import pyarrow.compute as pc

from dalle_model.shards import ShardError
from orchestration.engine.comparison import compared
from orchestration.engine.config import RunConfig, load_run_config
from orchestration.engine.graph import Graph
from orchestration.report.scores import spreads
from pipelines.io.cleaned import is_freed, remedy
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest, read_manifest, read_rejected, read_timings
from pipelines.io.parquet import UnreadableShardError, rows_of
from pipelines.io.selections import images_of, selected_row_groups
from pipelines.records import IMAGES, SELECTION
from pipelines.stage import Stage
from pipelines.views import Gallery, GalleryItem, RuleFunnel, View

EXAMPLES = 4  # chosen: dropped rows shown for each reason
KEPT_IMAGES = 48  # chosen: three rows on a wide screen


@dataclass(frozen=True)
class StageRow:
    """One finished stage in the table of the books."""

    name: str
    manifest: Manifest
    wall_s: float
    cpu_s: float

    @property
    def dropped(self) -> int:
        return sum(self.manifest.rejected.values())

    @property
    def is_balanced(self) -> bool:
        return self.manifest.rows_in == self.manifest.rows_kept + self.dropped

    @property
    def rows_per_s(self) -> float:
        return self.manifest.rows_in / self.wall_s if self.wall_s else 0.0


@dataclass(frozen=True)
class Reason:
    """Why a stage dropped rows.

    Args:
        reason: of the rejections.
        count: how many there are.
        examples: the first of them.
        images: of the examples by key, as stored; empty where they were not decoded yet.
    """

    reason: str
    count: int
    examples: list[dict[str, Any]]
    images: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportView:
    """The whole report.

    Args:
        name: of the run.
        sharded: finished stages that write shards, in order.
        models: finished stages that do not.
        reasons: by stage, why rows were dropped, the most frequent reason first.
        funnels: of every recipe that the run was compared by, else of its own.
        views: what else the stages show of themselves, last stage first.
        notes: what cannot be shown, and why.
    """

    name: str
    sharded: list[StageRow]
    models: list[StageRow]
    reasons: dict[str, list[Reason]]
    funnels: list[RuleFunnel]
    views: list[View]
    notes: list[str]

    @property
    def left(self) -> list[tuple[str, int, float]]:
        """Name, rows that are left, and their share of all candidates, after each stage."""
        total = self.sharded[0].manifest.rows_in if self.sharded else 0
        rows = ((row.name, row.manifest.rows_kept) for row in self.sharded)
        return [(name, count, count / total if total else 0.0) for name, count in rows]

    @property
    def wall_s(self) -> float:
        return sum(row.wall_s for row in self.sharded + self.models)

    @property
    def cpu_s(self) -> float:
        return sum(row.cpu_s for row in self.sharded + self.models)


def report_view(root: str) -> ReportView:
    """What there is to show of a run, from its directory alone.

    Raises:
        NoRunError: the directory holds no run.
    """
    config = load_run_config(root)
    graph, run = Graph.of(config), RunFolder(root, config.num_shards)
    rows = list(_stage_rows(graph, run))
    sharded = [row for row in rows if row.manifest.num_shards]
    notes: list[str] = []
    shown = [*_stage_views(graph, run, notes), *_kept(graph, run, notes)]
    own = [view for view in shown if isinstance(view, RuleFunnel)]
    return ReportView(
        name=config.name,
        sharded=sharded,
        models=[row for row in rows if not row.manifest.num_shards],
        reasons={row.name: list(_reasons(graph, run, row.manifest)) for row in sharded},
        funnels=list(_compared_funnels(graph, run, notes)) or own,
        views=[view for view in shown if not isinstance(view, RuleFunnel)],
        notes=notes,
    )


def _stage_rows(graph: Graph, run: RunFolder) -> Iterator[StageRow]:
    for stage in graph.stages:
        folder = run.stage(stage.name)
        manifest = read_manifest(folder)
        if manifest is not None:
            seconds = read_timings(folder)
            wall, cpu = seconds.get("wall_s", 0.0), seconds.get("cpu_s", 0.0)
            yield StageRow(stage.name, manifest, wall, cpu)


def _reasons(graph: Graph, run: RunFolder, manifest: Manifest) -> Iterator[Reason]:
    table = read_rejected(run.stage(manifest.stage), manifest)
    stage = graph.stage(manifest.stage)
    images = _images(graph, run) if stage is not None and IMAGES in stage.reads else None
    for reason, count in sorted(manifest.rejected.items(), key=lambda item: (-item[1], item[0])):
        examples = table.filter(pc.equal(table["reason"], reason)).slice(0, EXAMPLES).to_pylist()
        shown = images_of(images, [row["key"] for row in examples]) if images else {}
        yield Reason(reason, count, examples, shown)


def _images(graph: Graph, run: RunFolder) -> StageFolder | None:
    """The folder of the stored images; None where there is none that can be shown."""
    for stage in graph.writers(IMAGES):
        folder = run.stage(stage.name)
        if read_manifest(folder) is not None and not is_freed(folder):
            return folder
    return None


def _stage_views(graph: Graph, run: RunFolder, notes: list[str]) -> Iterator[View]:
    for stage in reversed(graph.stages):
        yield from _views_of(stage, graph, run, notes)


def _compared_funnels(graph: Graph, run: RunFolder, notes: list[str]) -> Iterator[RuleFunnel]:
    for url in compared(graph, run).values():
        config: RunConfig = load_run_config(url)
        other = Graph.of(config)
        folder = RunFolder(url, config.num_shards)
        for stage in other.stages:
            if stage.recipes is not None:
                views = _views_of(stage, other, folder, notes)
                yield from (view for view in views if isinstance(view, RuleFunnel))


def _views_of(stage: Stage, graph: Graph, run: RunFolder, notes: list[str]) -> list[View]:
    """What a finished stage shows of itself; nothing of work that other settings have done."""
    manifest = read_manifest(run.stage(stage.name))
    if manifest is None:
        return []
    section = graph.config.section(stage)
    try:
        if stage.recipes is not None and not graph.is_up_to_date(manifest):
            notes.append(
                f"The recipe {stage.recipes.name(section)} has changed since {stage.name} ran, "
                "or is gone; `dalle run` applies it."
            )
            return []
        folder, scores = run.stage(stage.name), stage.scores(section)
        own = list(stage.views(folder, manifest, section))
        return [*own, *spreads(folder, manifest, scores, _images(graph, run))]
    except (ShardError, UnreadableShardError):
        if not is_freed(run.stage(stage.name)):
            raise
        notes.append(f"{stage.name} is not shown in detail, since {remedy(stage.name)}.")
        return []
    except (ModuleNotFoundError, PackageNotFoundError) as error:
        notes.append(
            f"{stage.name} is not shown in detail, since {error.name} is not installed; "
            "`pip install 'dalle[all]'` installs it."
        )
        return []


def _kept(graph: Graph, run: RunFolder, notes: list[str]) -> Iterator[Gallery]:
    """The first images that survived, of a run that has come so far."""
    writers = [*graph.writers(IMAGES), *graph.writers(SELECTION)]
    if not writers or not all(read_manifest(run.stage(stage.name)) for stage in writers):
        return
    if freed := [stage.name for stage in writers if is_freed(run.stage(stage.name))]:
        notes.append(f"Pairs that were kept are not shown, since {remedy(freed[0])}.")
        return
    images, *selections = [run.stage(stage.name) for stage in writers]
    groups = selected_row_groups(images, selections, 0, ["key", "caption", "image"])
    rows = islice(chain.from_iterable(map(rows_of, groups)), KEPT_IMAGES)
    yield Gallery(
        title="Pairs that were kept",
        about="",
        items=[GalleryItem(caption=row["caption"], images={"": row["image"]}) for row in rows],
    )
