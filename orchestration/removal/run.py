"""Removes rows from all stages of a finished run, and refuses them from then on.

What is to be done is noted first, in digests, keys and names of files. Each stage is then replaced
as by a retry: the shards concerned are written to `.next`, and its manifest goes last. So a crash
leaves every stage as it was or as it is to be, and the next `dalle remove` goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dalle_model import files
from orchestration.engine.config import load_run_config
from orchestration.engine.graph import Graph
from orchestration.engine.jobs import check_no_job
from orchestration.engine.lock import only_writer
from orchestration.engine.plan import Run
from orchestration.engine.progress import Progress
from orchestration.engine.replacing import drop_next, replace_result
from orchestration.engine.results import clean_up
from orchestration.removal.asked import Asked, TakedownError
from orchestration.removal.finding import Place
from orchestration.removal.planning import drop_unfinished, place_of, planned, settle_all
from orchestration.removal.receipt import receipt_of
from orchestration.removal.rewriting import Rewriting
from orchestration.removal.work import StageWork, Work, read_work, write_work
from orchestration.report.page import write_report
from pipelines.io.cleaned import write_mark
from pipelines.io.manifest import Manifest, read_manifest, write_manifest
from pipelines.io.refusals import Refusals, refusals_of, write_refusals
from pipelines.stage import Stage


@dataclass(frozen=True)
class Removal:
    """What was removed; `str()` is what the command prints.

    Args:
        directory: of the run.
        receipt: URL of the receipt; empty where nothing was to be done.
        rows: by stage, those that were removed, kept or dropped before.
        rewritten: files that are other ones now.
        untouched: files of results that are as they were.
        copies: rows that had been dropped as copies of one that is gone, and stay so.
    """

    directory: str
    receipt: str
    rows: Mapping[str, int]
    rewritten: int = 0
    untouched: int = 0
    copies: int = 0

    def __str__(self) -> str:
        if not self.receipt:
            return f"nothing to remove: no such row is in {self.directory}"
        lines = [f"{name:<10} {count:,} rows removed" for name, count in self.rows.items()]
        lines.append(f"files      {self.rewritten:,} written anew, {self.untouched:,} as they were")
        if self.copies:
            lines.append(
                f"copies     {self.copies:,} rows had been dropped as copies of removed ones, and "
                "stay so; the receipt has their keys"
            )
        return "\n".join([*lines, f"receipt    {self.receipt}"])


def remove_rows(root: str, asked: Asked, date: str, progress: Progress) -> Removal:
    """Remove what is asked for from a run, and what an interrupted call has left.

    Args:
        root: URL of the run directory.
        asked: for; nothing where only an interrupted call is to be finished.
        date: for the receipt; empty for none.
        progress: receives a line for each stage.

    Raises:
        NoRunError: no such run.
        TakedownError: nothing is asked for, and nothing was interrupted.
        RunError: a run is at work in the directory.
        UnreadableShardError: a shard is missing or corrupt; nothing has been touched.
    """
    run = Run(load_run_config(root), root)
    graph = Graph.of(run.config)
    with only_writer(root):
        check_no_job(root)
        settle_all(run, graph)
        begun = read_work(run.folder)
        if begun is None and not asked:
            raise TakedownError(
                "nothing is asked for: name a list with --urls, --hosts, --keys, --hashes or "
                "--refused"
            )
        last = _finished(run, graph, begun, progress) if begun else None
        return _removed(run, graph, asked, date, progress) if asked else last or _nothing(run)


def _removed(run: Run, graph: Graph, asked: Asked, date: str, progress: Progress) -> Removal:
    known = refusals_of(run.folder)
    work = planned(run, graph, asked, known, date)
    if not work.rows and not work.gone and work.refusals.digests <= known.digests:
        return _nothing(run)
    write_work(run.folder, work)
    return _finished(run, graph, work, progress)


def _nothing(run: Run) -> Removal:
    return Removal(run.root, "", {})


def _finished(run: Run, graph: Graph, work: Work, progress: Progress) -> Removal:
    """Do all of a removal that is not done yet."""
    refused = refusals_of(run.folder).digests | work.refusals.digests
    write_refusals(run.folder, Refusals(refused))
    drop_unfinished(run.folder, graph)
    if work.has_report:
        files.remove(run.folder.report)
    for url in work.gone:
        files.remove(url)
    for name, stage in work.stages.items():
        if stage.is_dropped:
            files.remove(run.folder.stage(name).manifest)
            files.remove(run.folder.stage(name).url)
        else:
            if stage.hits.files:
                progress.say(f"{name:<10} {len(stage.hits.files):,} files are written anew")
            _bring_along(run, graph, work, name)
    receipt = receipt_of(run.folder, graph, work)
    url = run.folder.receipt(work.number)
    files.write_json(url, receipt)
    if work.has_report:
        write_report(run.root)
    files.remove(run.folder.removal)
    return Removal(
        directory=run.root,
        receipt=url,
        rows={name: stage.hits.rows for name, stage in work.stages.items() if stage.hits.rows},
        rewritten=len(receipt["rewritten"]),
        untouched=receipt["untouched"]["files"],
        copies=sum(len(stage.hits.naming) for stage in work.stages.values()),
    )


def _bring_along(run: Run, graph: Graph, work: Work, name: str) -> None:
    """Take the rows out of one stage, and renew what its manifest says it was made of."""
    folder, planned_work = run.folder.stage(name), work.stages[name]
    stage, manifest = graph.stage(name), read_manifest(folder)
    if manifest is None:  # a person has deleted it meanwhile
        return
    if _is_old(manifest, planned_work):
        place = Place(place_of(run.folder, manifest), manifest)
        drop_next(folder)
        rewriting = Rewriting(place, work.named, planned_work.is_first, work.refusals)
        manifest = rewriting.write_next(planned_work.hits)
        replace_result(place.folder, manifest)
    if planned_work.freed is not None:
        write_mark(folder, planned_work.freed)
    if stage is not None and planned_work.current:
        manifest = _renewed(run, graph, stage, manifest)
        clean_up(run, graph, stage, manifest)


def _is_old(manifest: Manifest, work: StageWork) -> bool:
    """Whether no file of a stage is another one yet."""
    entries = (*manifest.files, *manifest.rejected_files)
    return any(work.hits.files.get(entry["name"]) == entry["sha256"] for entry in entries)


def _renewed(run: Run, graph: Graph, stage: Stage, manifest: Manifest) -> Manifest:
    """The manifest of a stage that is up to date, with the digests of what it reads as it is now.

    Without this the next run would make again what has just been brought along.
    """
    read = {
        other.name: read_manifest(run.folder.stage(other.name)) for other in graph.deciding(stage)
    }
    digests = {name: found.digest for name, found in read.items() if found is not None}
    fingerprint = graph.fingerprint(stage, digests)
    if (fingerprint, digests) == (manifest.fingerprint, manifest.inputs):
        return manifest
    renewed = replace(manifest, inputs=digests, fingerprint=fingerprint)
    write_manifest(run.folder.stage(stage.name), renewed)
    return renewed
