"""Plans a removal: which rows go, of which stages, and what of the run goes as a whole."""

from collections.abc import Collection, Iterable, Iterator, Mapping

import pyarrow as pa

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.shards import image_of
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run, plan_stage
from orchestration.engine.registry import registry
from orchestration.engine.replacing import settle
from orchestration.engine.verify import finished_stages
from orchestration.removal.asked import Asked
from orchestration.removal.finding import Hits, Place, hits_in, to_remove
from orchestration.removal.work import StageWork, Work
from pipelines.io.cleaned import read_mark
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.io.parquet import read_row_groups
from pipelines.io.refusals import Named, Refusals

_TABLE = ".parquet"


def planned(run: Run, graph: Graph, asked: Asked, refusals: Refusals, date: str) -> Work:
    """What is to be done; nothing is touched.

    Args:
        run: of the directory.
        graph: of the run.
        asked: for.
        refusals: what is refused by now.
        date: for the receipt.

    Raises:
        UnreadableShardError: a shard is missing or corrupt.
    """
    manifests = _in_order(run.folder, graph)
    sharded = {m.stage: Place(place_of(run.folder, m), m) for m in manifests if m.num_shards}
    found = to_remove(sharded.values(), asked)
    first = {name for name in sharded if _is_first(graph, name)}
    hits = _hits(sharded, found.named, first)
    while asked.takes_copies and (copies := _copies(hits)):  # of which there may be copies, too
        found = found.with_images(copies)
        hits = _hits(sharded, found.named, first)
    stages = {
        m.stage: StageWork(
            hits.get(m.stage, Hits()),
            files.sha256_of(run.folder.stage(m.stage).manifest),
            _current(run, graph, m),
            read_mark(run.folder.stage(m.stage)),
            m.stage in first,
            not m.num_shards and _table_names(run.folder, m, found.named),
        )
        for m in manifests
    }
    has_rows = any(stage.hits.rows for stage in stages.values())
    pages = {page for stage in hits.values() for page in stage.pages}
    listed = Refusals(refusals.digests | asked.refusals.digests)
    gone = [
        url for s in graph.stages for url in s.kept_pages(run.folder.stage(s.name), pages, listed)
    ]
    if has_rows:
        gone += [folder.url for folder in run.folder.recipes().values()]
    return Work(
        number=len(run.folder.receipts()) + 1,
        date=date,
        asked=asked.counts,
        digests=asked.refusals.digests,
        also_refused=found.also_refused,
        named=found.named,
        stages=stages,
        gone=tuple(sorted(gone)),
        unfinished=tuple(name for name, urls in _unfinished(run.folder, graph) if urls),
        has_report=has_rows and files.exists(run.folder.report),
    )


def _hits(places: Mapping[str, Place], named: Named, first: Collection[str]) -> dict[str, Hits]:
    return {name: hits_in(place, named, is_first=name in first) for name, place in places.items()}


def _copies(hits: Mapping[str, Hits]) -> frozenset[str]:
    """Images of rows that were dropped for one that goes."""
    return frozenset(image_of(key) for found in hits.values() for key in found.naming)


def drop_unfinished(folder: RunFolder, graph: Graph) -> None:
    """Remove what was made and not finished, which may hold rows that nobody has looked for."""
    for _, urls in list(_unfinished(folder, graph)):
        for url in urls:
            files.remove(url)


def _unfinished(folder: RunFolder, graph: Graph) -> Iterator[tuple[str, list[str]]]:
    """What there is of work under way, by stage."""
    for name in dict.fromkeys([*(stage.name for stage in graph.stages), *registry()]):
        stage = folder.stage(name)
        urls = [stage.next.url, stage.progress, stage.spilled]
        if read_manifest(stage) is None:
            urls += [stage.file(one) for one in stage.output_names()]
        yield name, [url for url in urls if files.exists(url)]


def _is_first(graph: Graph, name: str) -> bool:
    stage = graph.stage(name)
    return stage is not None and not any(one.is_sharded for one in graph.predecessors(stage))


def settle_all(run: Run, graph: Graph) -> None:
    """Put in place what a crash has left half replaced, and sweep away what it has half written."""
    run.folder.tidy()
    for name in {*(stage.name for stage in graph.stages), *run.folder.stage_names()}:
        settle(run.folder.stage(name))


def place_of(run: RunFolder, manifest: Manifest) -> StageFolder:
    """The folder of a finished stage, with as many shards as that has."""
    return StageFolder(run.stage(manifest.stage).url, manifest.num_shards)


def _in_order(run: RunFolder, graph: Graph) -> list[Manifest]:
    """What is finished in a run directory, in the order of the run, and then what it is not of."""
    there = {manifest.stage: manifest for manifest in finished_stages(run.url)}
    names = [stage.name for stage in graph.stages if stage.name in there]
    return [there[name] for name in (*names, *(name for name in there if name not in names))]


def _current(run: Run, graph: Graph, manifest: Manifest) -> str:
    """The fingerprint of a stage that is up to date; empty for any other."""
    stage = graph.stage(manifest.stage)
    if stage is None:
        return ""
    try:
        plan = plan_stage(run, graph, stage, sees_wants=False)
    except (DalleError, OSError):  # such as a source that is gone
        return ""
    return manifest.fingerprint if plan.finished else ""


def _table_names(run: RunFolder, manifest: Manifest, named: Named) -> bool:
    """Whether a table of a stage without shards holds such a row, in any column of text."""
    folder = run.stage(manifest.stage)
    urls = [folder.file(e["name"]) for e in manifest.files if e["name"].endswith(_TABLE)]
    return bool(named) and any(_names_one(table, named) for url in urls for table in _tables(url))


def _tables(url: str) -> Iterator[pa.Table]:
    return read_row_groups(url)


def _names_one(table: pa.Table, named: Named) -> bool:
    columns: Iterable[pa.ChunkedArray] = (
        table[field.name] for field in table.schema if pa.types.is_string(field.type)
    )
    return any(named.has(value) for column in columns for value in column.to_pylist() if value)
