"""How much a run would write, and whether there is room for it: counted before the first stage.

Results that are there are as large again when they are made again. Of a stage that has none yet,
each row that could come in counts with what it costs (`pipelines.stage.Cost`), so that the sum is
an upper bound where rows are dropped.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dalle_model import files
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run
from orchestration.engine.preview import PlannedStage
from orchestration.engine.sizes import size_text
from pipelines.io.cleaned import read_mark
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.stage import Amount, Stage

TEXT_BYTES = 1000  # of a row that holds no image; chosen: many times what captions and URLs take


@dataclass(frozen=True)
class DiskNeed:
    """What a run would write; `str()` is the line that the command prints.

    Args:
        num_bytes: of which is known how many rows they are of.
        row_bytes: of each row of which is not known how many there are; 0 where that is known.
        free_bytes: on the disk of the run directory; None in an object store.
    """

    num_bytes: float
    row_bytes: float = 0
    free_bytes: int | None = None

    @property
    def is_too_much(self) -> bool:
        """Whether what is known does not fit."""
        return self.free_bytes is not None and self.num_bytes > self.free_bytes

    def __str__(self) -> str:
        parts = [f"about {size_text(self.num_bytes)} would be written"] if self.num_bytes else []
        if self.row_bytes:
            parts.append(f"up to {size_text(self.row_bytes)} for each pair that the sources hold")
        free = "" if self.free_bytes is None else f"{size_text(self.free_bytes)} are free"
        if self.is_too_much:
            free = f"but only {free}: make room, or choose another --dir"
        line = ", ".join([*(parts or ["nothing would be written"]), *([free] if free else [])])
        return f"{'disk':<10} {line}"


def disk_need(run: Run, graph: Graph, planned: Sequence[PlannedStage]) -> DiskNeed:
    """What a run would write that does as it is planned."""
    made = {one.stage: one for one in planned if one.action != "keep"}
    counted = _Counted(run, graph)
    added = replaced = unknown = 0.0
    for stage in graph.stages:
        counted.count(stage)
        if stage.name not in made:
            continue
        manifest = read_manifest(run.folder.stage(stage.name))
        if manifest is None:
            rows, row_bytes = counted.rows[stage.name], counted.row_bytes(stage)
            added += counted.supplied(stage) + (0 if rows is None else rows * row_bytes)
            unknown += row_bytes if rows is None else 0
        elif mark := read_mark(run.folder.stage(stage.name)):
            added += mark.num_bytes
        else:  # it stays until what replaces it is whole
            replaced = max(replaced, _size(manifest))
    return DiskNeed(added + replaced, unknown, free_bytes(run.root))


def free_bytes(root: str) -> int | None:
    """Bytes that are free on the disk of a folder, which need not be there yet; None in a store."""
    if not files.is_local(root):
        return None
    path = Path(files.local_path(root))
    return shutil.disk_usage(next(p for p in (path, *path.parents) if p.exists())).free


class _Counted:
    """The rows that come into each stage of a run, as far as they are known before it."""

    def __init__(self, run: Run, graph: Graph) -> None:
        self._run, self._graph = run, graph
        self._amounts: dict[str, Amount | None] = {}
        self.rows: dict[str, int | None] = {}

    def count(self, stage: Stage) -> None:
        """Take a stage; those that it reads have been taken."""
        before = [read.name for read in self._graph.deciding(stage)]
        manifest = read_manifest(self._run.folder.stage(stage.name))
        # The sources of a stage that is finished may be gone.
        amount = stage.amount(self._graph.config.section(stage)) if manifest is None else None
        self._amounts[stage.name] = amount
        if manifest is not None:
            self.rows[stage.name] = manifest.rows_out
        elif before:
            self.rows[stage.name] = self.rows[before[-1]]
        else:
            self.rows[stage.name] = None if amount is None else amount.rows

    def supplied(self, stage: Stage) -> int:
        """Bytes of images that the sources of a stage bring."""
        amount = self._amounts[stage.name]
        return amount.image_bytes if amount else 0

    def row_bytes(self, stage: Stage) -> float:
        """What a row takes in a stage; what it would bring from the web may be there already."""
        cost = self._graph.cost(stage)
        if cost is None:
            return 0
        is_there = any(self._holds_images(read) for read in self._graph.predecessors(stage))
        return cost.stored_bytes - (cost.received_bytes if is_there else 0)

    def _holds_images(self, stage: Stage) -> bool:
        if self.supplied(stage):
            return True
        manifest = read_manifest(self._run.folder.stage(stage.name))
        if manifest is None or not manifest.rows_out:
            return False
        return _size(manifest) / manifest.rows_out > TEXT_BYTES


def _size(manifest: Manifest) -> int:
    """Bytes of the rows kept; of very many shards, without reading their lists."""
    if manifest.groups:
        return sum(group["files"] for group in manifest.groups.entries)
    return sum(entry["bytes"] for entry in manifest.files)
