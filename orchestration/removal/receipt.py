"""The receipt of a removal: what was asked, what went, what stayed, and what it cannot reach."""

from collections.abc import Iterator
from typing import Any

from dalle_model import files
from orchestration.engine.graph import Graph
from orchestration.removal.work import Work
from pipelines.io.cleaned import is_freed
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.io.manifest_groups import digest_of
from pipelines.stage import LocalWork

_OUTSIDE = (
    "sources and archives that crawl reads",
    "exports, copies and backups of this directory, and sets of token shards made of it",
    "runs that name this directory under `reuse`: give them `--refused` with this run's list",
)
_NOT_UNTRAINED = (
    "a model keeps what it has learnt, and a checkpoint the keys that it was trained on; "
    "to have it forget, delete its stage and train it again"
)
_COPIES = (
    "rows that were dropped as copies of a removed row stay dropped, and stay where they were "
    "before; `dalle remove --keys` with these keys removes them too"
)


def receipt_of(run: RunFolder, graph: Graph, work: Work) -> dict[str, Any]:
    """What a receipt says, as JSON; no clock, no machine and no value that was removed.

    Args:
        run: in which all is done.
        graph: of the run.
        work: what was done.
    """
    changed, untouched = _files(run, work)
    models = _models(run, graph) if work.rows else []
    naming = {name: sorted(s.hits.naming) for name, s in work.stages.items() if s.hits.naming}
    return {
        "date": work.date or None,
        "asked": {"entries": dict(work.asked), "digests": sorted(work.digests)},
        "rows": {
            name: {"kept": stage.hits.kept, "dropped": sum(stage.hits.dropped.values())}
            for name, stage in work.stages.items()
            if stage.hits.rows
        },
        "rewritten": changed,
        "untouched": {"files": len(untouched), "sha256": digest_of(sorted(untouched))},
        "deleted": sorted(_deleted(run, work)),
        "unfinished": sorted(work.unfinished),
        "freed": sorted(name for name, stage in work.stages.items() if stage.freed),
        "copies": {"rows": naming, "note": _COPIES} if naming else {},
        "models": {"trained": models, "note": _NOT_UNTRAINED} if models else {},
        "outside": list(_OUTSIDE),
        "refused": len(work.refusals.digests),
    }


def _files(run: RunFolder, work: Work) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Files that are other ones now, and name and SHA-256 of all others of the results."""
    changed: list[dict[str, Any]] = []
    untouched: list[list[str]] = []
    for name, stage in work.stages.items():
        folder = run.stage(name)
        manifest = read_manifest(folder)
        if manifest is None:
            continue
        for entry in _there(run, manifest):
            path, after = f"{name}/{entry['name']}", entry["sha256"]
            before = stage.hits.files.get(entry["name"], after)
            if before == after:
                untouched.append([path, after])
            else:
                changed.append({"file": path, "before": before, "after": after})
        after = files.sha256_of(folder.manifest)
        if after != stage.manifest:
            path = folder.manifest.removeprefix(f"{run.url}/")
            changed.append({"file": path, "before": stage.manifest, "after": after})
    return changed, untouched


def _there(run: RunFolder, manifest: Manifest) -> Iterator[dict[str, Any]]:
    """The entries of the files of a stage that were not freed."""
    if not is_freed(run.stage(manifest.stage)):
        yield from manifest.files
    yield from manifest.rejected_files


def _deleted(run: RunFolder, work: Work) -> Iterator[str]:
    yield from (url.removeprefix(f"{run.url}/") for url in work.gone)
    yield from (name for name, stage in work.stages.items() if stage.is_dropped)


def _models(run: RunFolder, graph: Graph) -> list[str]:
    """Models that were trained in the run."""
    return [
        stage.name
        for stage in graph.stages
        if isinstance(stage.work, LocalWork)
        and stage.work.is_training
        and read_manifest(run.stage(stage.name)) is not None
    ]
