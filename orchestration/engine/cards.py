"""The card of a finished stage: written once its result is whole, and again where it is not of it.

It is for people, so no digest counts it, and nothing is wrong with a run that has none. Whoever
writes into it keeps that until the result is another one.
"""

from collections.abc import Iterator

from dalle_model import files
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.io.manifest_groups import digest_of
from pipelines.stage import Card, Stage


def keep_card(run: Run, graph: Graph, stage: Stage, manifest: Manifest) -> None:
    """Write the card of a finished stage that has one, unless it stands there already."""
    if stage.card is None:
        return
    manifests = [*_before(run, graph, stage), manifest]
    folder = run.folder.stage(stage.name)
    stamp = _stamp(stage.card, manifests)
    if not _is_there(folder.card, stamp):
        text = f"{stage.card.write(folder, manifests)}\n{stamp}\n"
        with files.if_writable():  # a finished run in a place to read from is as good without
            files.write_bytes(folder.card, text.encode())


def _before(run: Run, graph: Graph, stage: Stage) -> Iterator[Manifest]:
    for other in graph.ancestors(stage):
        manifest = read_manifest(run.folder.stage(other.name))
        if manifest is not None:
            yield manifest


def _stamp(card: Card, manifests: list[Manifest]) -> str:
    """A line by which a card is known to be of these results."""
    books = [[m.stage, m.digest, m.rows_in, m.rows_out, m.rejected] for m in manifests]
    return f"<!-- of {digest_of([card.version, books])} -->"


def _is_there(url: str, stamp: str) -> bool:
    try:
        return stamp.encode() in files.read_bytes(url)
    except OSError:  # gone, or a folder in its place
        return False
