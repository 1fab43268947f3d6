"""The commands about what a run has made."""

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestration.engine.latest import latest_run
from orchestration.engine.progress import Progress, Quiet

if TYPE_CHECKING:
    from orchestration.engine.status import RunStatus
    from orchestration.engine.verify import Verification
    from orchestration.export.run import ExportResult
    from orchestration.removal.run import Removal
    from orchestration.report.explanation import Explanation


def explain(query: str, directory: str = "", recipe: str = "") -> "Explanation":
    """Trace rows through the stages, or apply a recipe to a text.

    Args:
        query: a key, an image or page URL, or the start of one; the name of an image or its last
            parts; or any text.
        directory: of the run; the latest below `runs` by default.
        recipe: for a text: a recipe in place of the run's own.

    Raises:
        ExplainError: no such row.
        NoRunError: no such run.
        ConfigError: a recipe for what is no text.
    """
    from orchestration.report.explanation import explained

    return explained(query, directory, recipe)


def status(directory: str = "") -> "RunStatus":
    """How far a run is, and its job on a runner elsewhere, by what the run directory knows.

    Raises:
        NoRunError: no such run.
    """
    from orchestration.engine.status import run_status

    return run_status(directory or latest_run())


def report(directory: str = "") -> str:
    """Build the HTML report again, from the run directory alone; its URL."""
    from orchestration.report.page import write_report

    return write_report(directory or latest_run())


def verify(directory: str = "") -> "Verification":
    """Check every file of a run against its manifest.

    Raises:
        VerificationError: a file is corrupt, missing or too many; names each.
    """
    from orchestration.engine.verify import verify_run

    return verify_run(directory or latest_run())


def remove(  # noqa: PLR0913 - the options of the command
    directory: str = "",
    *,
    urls: str = "",
    hosts: str = "",
    keys: str = "",
    hashes: str = "",
    refused: str = "",
    copies: bool = False,
    date: str = "",
    progress: Progress | None = None,
) -> "Removal":
    """Remove rows from all stages of a run, and refuse them from then on (docs/takedown.md).

    Lists have a value a line; `#` begins a comment. Where none is given, what an interrupted call
    has left is finished.

    Args:
        directory: of the run; the latest below `runs` by default.
        urls: path or URL of a list of URLs, of images or of the pages that show them.
        hosts: of hosts, of images or of pages; all below them count.
        keys: of keys: 40 digits for a pair, the first 24 of them for an image.
        hashes: of md5, sha256 or phash of images.
        refused: the list of digests of another run, `removed/refused.txt`.
        copies: whether rows go, too, that were dropped as copies of an image that goes.
        date: for the receipt, as 2026-11-30; without it there is none.
        progress: receives a line for each stage.

    Raises:
        TakedownError: nothing is asked for, a list cannot be read, or a line is no entry.
        NoRunError: no such run.
        RunError: a run is at work in the directory.
        UnreadableShardError: a shard is missing or corrupt; nothing has been touched.
    """
    from orchestration.removal.asked import checked_date, read_asked
    from orchestration.removal.run import remove_rows

    asked = read_asked(urls=urls, hosts=hosts, keys=keys, hashes=hashes, refused=refused)
    follow, root = progress or Quiet(), directory or latest_run()
    return remove_rows(root, replace(asked, takes_copies=copies), checked_date(date), follow)


def grid(directory: str = "", out: str = "grid.png", number: int = 32) -> str:
    """Read token shards back and decode them next to their originals, as one PNG; its URL."""
    from orchestration.report.sheets import draw_grid

    return draw_grid(directory or latest_run(), number, out)


def export(
    layout: str,
    out: str,
    directory: str = "",
    *,
    image_format: str = "",
    samples_per_shard: int = 10_000,
    progress: Progress | None = None,
) -> "ExportResult":
    """Write the images of a run that survived, with their captions, as img2dataset would.

    What an earlier call for the same export has finished stays, so an interrupted one goes on.

    Args:
        layout: `files`, `webdataset` or `parquet`, or `img2dataset` for tables of links that
            img2dataset downloads.
        out: folder or URL to write to: empty, or of the same export.
        directory: of the run; the latest below `runs` by default.
        image_format: `png`, `jpg` or `webp`; images stay as they are stored by default.
        samples_per_shard: of the export; the last shard may have fewer.
        progress: receives each shard of the run.

    Raises:
        UsageError: an argument is wrong, or the folder holds something else.
        DalleError: a stage is not finished, or no image survived.
    """
    from orchestration.export.run import Form, export_run

    follow, root = progress or Quiet(), directory or latest_run()
    with follow.stage("export"):
        return export_run(root, out, Form(layout, image_format, samples_per_shard), follow)
